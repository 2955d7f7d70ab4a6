"""What the models of the mocks say, in no protocol's terms: the one truth that the tests compare with.

A protocol's module tells what it heard (`Heard`), `answer_to` decides what is said (`Said`), and the module writes that on its wire.
"""

from dataclasses import dataclass, field

# The family of each kind's models: what it is called decides which fields its provider takes.
FAMILIES = {
    "openai": "gpt-5.4",
    "responses": "gpt-5.4",
    "anthropic": "claude-sonnet-4-5",
    "gemini": "gemini-3-flash",
    "volces": "doubao-seed-1-8",
    "ark": "doubao-seed-1-8",
}
KINDS = tuple(FAMILIES)

TEXT = "Grüße aus Oslo: 世界, 👩‍👩‍👧 and \"quotes\" \\ back."
THOUGHT = "The user greets me. I had better\nanswer – in 日本 style."
JSON = '{"city": "Oslo", "population": 709000}'
REFUSAL = "I'm sorry, I can't help with that."
CALLS = {"weather": {"city": "Oslo", "days": 3, "note": "é 世 \"x\""}, "time": {"city": "Oslo"}, "ping": {}, "Place": {"city": "Oslo", "population": 709000}}


@dataclass(frozen=True)
class Counted:
    """Tokens as a bill has them: `input` includes `cached` and `written`, `output` includes `reasoning`."""

    input: int
    cached: int
    written: int
    output: int
    reasoning: int


@dataclass(frozen=True)
class Call:
    name: str
    arguments: dict


@dataclass(frozen=True)
class Said:
    """One answer. `stop` is one of stop, length, tool_calls, content_filter."""

    text: str = ""
    reasoning: str = ""
    calls: tuple = ()
    refusal: str = ""
    stop: str = "stop"
    usage: Counted = None
    # What happens on the wire after the answer began: None, "cut" or "error".
    fate: str = None


@dataclass
class Heard:
    """One request, as its provider understood it."""

    kind: str
    family: str
    behaviour: str
    stream: bool = False
    system: list = field(default_factory=list)
    user: list = field(default_factory=list)
    assistant: list = field(default_factory=list)
    # (media type, bytes)
    images: list = field(default_factory=list)
    tools: dict = field(default_factory=dict)
    # None, "auto", "none", "any", or the name of the tool that must be called
    choice: str = None
    parallel: bool = None
    # None, {} for any JSON, or the schema
    schema: dict = None
    # Whether the model thinks, and whether the thoughts are shown.
    thinks: bool = False
    shows: bool = False
    # All calls of the conversation by name, the results that stand at its end, and whether it ends with them.
    calls: list = field(default_factory=list)
    results: list = field(default_factory=list)
    # Pieces of opaque state that came back.
    opaque: list = field(default_factory=list)
    limit: int = None
    fields: tuple = ()


def usage_of(kind, reasoning):
    """What an upstream counts. Only some know writes to their cache."""
    written = {"anthropic": 16, "openai": 8, "responses": 8}.get(kind, 0)
    return Counted(input=120, cached=48, written=written, output=37, reasoning=11 if reasoning else 0)


def answer_to(heard):
    said = _answer(heard)
    shown = said.reasoning if heard.shows else ""
    return Said(**said.__dict__ | {"reasoning": shown, "usage": usage_of(heard.kind, bool(said.reasoning))})


def _answer(heard):
    thought = THOUGHT if heard.thinks else ""
    if heard.choice not in (None, "auto", "none", "any"):
        return Said(calls=(_call(heard.choice),), stop="tool_calls", reasoning=thought)
    match heard.behaviour:
        case "tools" | "reasoning" | "parallel-tools" | "bare-tools" if heard.results:
            return Said(text="; ".join(f"It is {result}" for result in heard.results), reasoning=thought)
        case "bare-tools" if heard.tools and heard.choice != "none":
            return Said(calls=(_call("ping"),), stop="tool_calls")
        case "tools" | "reasoning" if heard.tools and heard.choice != "none":
            return Said(text="" if thought else "Let me look.", calls=(_call("weather"),), stop="tool_calls", reasoning=thought)
        case "parallel-tools" if heard.tools and heard.choice != "none":
            return Said(calls=(_call("weather"), _call("time")), stop="tool_calls", reasoning=thought)
        case "json":
            return Said(text=JSON if heard.schema is not None else "I was not asked for JSON.")
        case "refusal":
            return Said(refusal=REFUSAL)
        case "length":
            return Said(text=TEXT[:20], stop="length", reasoning=thought)
        case "filtered":
            return Said(text=TEXT[:20], stop="content_filter")
        case "blocked":
            return Said(stop="content_filter")
        case "cut":
            return Said(text=TEXT, fate="cut")
        case "midfail":
            return Said(text=TEXT, fate="error")
        case "long":
            return Said(text=TEXT * 400)
        case _:
            return Said(text=TEXT, reasoning=thought)


def _call(name):
    return Call(name, CALLS.get(name, {"city": "Oslo"}))


def pieces(text, size=5):
    """Text as models stream it: a few characters at a time."""
    size = max(size, len(text) // 50)
    return [text[at : at + size] for at in range(0, len(text), size)]
