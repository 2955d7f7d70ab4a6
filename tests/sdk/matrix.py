"""The cells of the matrix: who calls, whom, and by which way; and the catalogue that has them all.

The way is the mock itself (`direct`), which proves mocks and tests, or the gateway before it. `SDK_WAYS` names those to run, both by default;
`SDK_KINDS` names the kinds of upstream, by default all.
"""

import json
import os
from dataclasses import dataclass

from mocks.said import FAMILIES
from mocks.server import SAYS

WAYS = (os.environ.get("SDK_WAYS") or "direct gateway").replace(",", " ").split()
KINDS = (os.environ.get("SDK_KINDS") or " ".join(FAMILIES)).replace(",", " ").split()

# Which path of the mocks a caller can speak to without a gateway.
DIRECT = {
    ("chat", "openai"): "/openai/v1",
    ("chat", "volces"): "/volces/api/v3",
    ("responses", "responses"): "/openai/v1",
    ("responses", "ark"): "/volces/api/v3",
    ("messages", "anthropic"): "/anthropic",
    ("google", "gemini"): "/gemini",
}

# OpenAI's SDKs append to lists that Ark's events leave out: straight to it they break, before a gateway puts these in.
UNREADABLE = {("responses", "ark")}

PROVIDERS = {
    # kind: provider, path, more of the platform model
    "openai": ("openai", "/openai/v1", ""),
    "responses": ("openai", "/openai/v1", 'api = "responses"\n'),
    "anthropic": ("anthropic", "/anthropic", ""),
    "gemini": ("gemini", "/gemini/v1beta", ""),
    "volces": ("volces", "/volces/api/v3", ""),
    "ark": ("volces", "/volces/api/v3", 'api = "responses"\n'),
}

BEHAVIOURS = (
    "text text--drip tools tools--drip parallel-tools bare-tools json reasoning reasoning--drip refusal length filtered blocked long".split()
)
CALLERS = ("chat", "responses", "messages", "google")
# These fail, and failures say something about a platform: each has one of its own. A refused key switches it off, so that one serves once.
FAILURES = "error-400 error-429 error-500 error-503 cut midfail".split() + [
    f"error-401-{caller}-{mode}" for caller in (*CALLERS, "node") for mode in ("whole", "stream")
]

# Further families, whose providers take other fields.
OTHERS = {
    "anthropic/adaptive": ("anthropic", "claude-opus-4-8--reasoning"),
    "gemini/budget": ("gemini", "gemini-2.5-flash--reasoning"),
    "openai/tuned": ("openai", "gpt-4.1--text"),
    "responses/tuned": ("responses", "gpt-4.1--text"),
    "anthropic/tuned": ("anthropic", "claude-sonnet-4-5--text"),
    "gemini/tuned": ("gemini", "gemini-3-flash--text"),
    "volces/tuned": ("volces", "doubao-seed-1-8--text"),
    "ark/tuned": ("ark", "doubao-seed-1-8--text"),
}

# What is no conversation: model, kind, upstream name, model type.
TASKS = [
    ("embed", "openai", "text-embedding-3-small", "text_embed"),
    ("gemini/embed", "gemini", "gemini-embedding-001", "text_embed"),
    ("moderate", "openai", "omni-moderation-latest", "text_moderate"),
    ("rerank", "openai", "rerank-1", "rerank"),
    ("complete", "openai", "gpt-3.5-turbo-instruct", "text_generate"),
]


@dataclass(frozen=True)
class Cell:
    way: str
    caller: str
    kind: str

    def __str__(self):
        return f"{self.caller}-to-{self.kind}" if self.way == "gateway" else f"{self.caller}-direct-{self.kind}"

    @property
    def native(self):
        """Whether both sides speak one protocol."""
        return (self.caller, self.kind) in DIRECT

    def model(self, behaviour):
        """What the caller calls the model."""
        if self.way == "gateway":
            return f"{self.kind}/{behaviour}"
        return upstream_name(self.kind, behaviour)


def upstream_name(kind, behaviour):
    return OTHERS.get(f"{kind}/{behaviour}", (None, f"{FAMILIES[kind]}--{behaviour}"))[1]


def cells(callers=CALLERS, kinds=KINDS, ways=WAYS):
    direct = [Cell("direct", caller, kind) for caller, kind in DIRECT if caller in callers and kind in kinds and (caller, kind) not in UNREADABLE]
    through = [Cell("gateway", caller, kind) for caller in callers for kind in kinds]
    return [cell for cell in [*direct, *through] if cell.way in ways]


def catalogue(url, secret, price):
    """The TOML of all platforms and models of the matrix; `price` is a line of it."""
    platforms, models = {}, []
    for kind in KINDS:
        platforms[f"m-{kind}"] = kind
        models += [(f"{kind}/{behaviour}", f"m-{kind}", kind, upstream_name(kind, behaviour), "text_generate") for behaviour in BEHAVIOURS]
        for behaviour in FAILURES:
            platforms[f"m-{kind}-{behaviour}"] = kind
            models.append((f"{kind}/{behaviour}", f"m-{kind}-{behaviour}", kind, upstream_name(kind, behaviour), "text_generate"))
    more = [(model, kind, upstream, "text_generate") for model, (kind, upstream) in OTHERS.items()] + TASKS
    models += [(model, f"m-{kind}", kind, upstream, kind_of) for model, kind, upstream, kind_of in more if kind in KINDS]
    text = []
    for name, kind in platforms.items():
        provider, path, _ = PROVIDERS[kind]
        text.append(f'[[platform]]\nname = "{name}"\nprovider = "{provider}"\nbase_url = "{url}{path}"\ncredentials = [{{ secret = "{secret}" }}]\n')
    for model, platform, kind, upstream, kind_of in models:
        api = PROVIDERS[kind][2] if kind_of == "text_generate" else ""
        text.append(
            f'[[model]]\nname = "{model}"\n\n[[platform_model]]\nplatform = "{platform}"\nmodel = "{model}"\nupstream_name = "{upstream}"\n'
            f'model_types = ["{kind_of}"]\n{api}{price}\n'
        )
    # No failure of a mock may keep the next test from its platform; other upstreams' failures do what they always do.
    text.append(f'[runner_policy.failover]\nrules = [{{ match = {{ message_contains = ["{SAYS}"] }}, action = "next" }}]\n')
    return "\n".join(text)


def for_node():
    """The cells as Node's tests read them."""
    behaviours = [*BEHAVIOURS, *FAILURES]

    def told(cell):
        return {
            "way": cell.way,
            "caller": cell.caller,
            "kind": cell.kind,
            "path": DIRECT.get((cell.caller, cell.kind)),
            "models": {behaviour: cell.model(behaviour) for behaviour in behaviours},
        }

    return json.dumps([told(cell) for cell in cells()])
