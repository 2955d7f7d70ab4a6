"""openai-python's own tests of its resources, straight to a mock and through the gateway; what differs is reported. See README.md."""

import collections
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tarfile
import xml.etree.ElementTree

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from resources.examples import Examples
from stage import EASYAI, ROOT, Stage

VERSION = "3.54.0"
SHA256 = "2e393e63f8a38be6452806f9ef0b6534fecd6d41ab3b2165180dfce3599249cd"
PLACE = ROOT / "target/sdk-resources"
TESTS = {
    "chat": ["chat/test_completions.py", "chat/completions/test_messages.py"],
    "responses": ["test_responses.py", "responses/test_input_items.py", "responses/test_input_tokens.py"],
    "others": ["test_completions.py", "test_embeddings.py", "test_moderations.py", "test_models.py"],
}
# Through the gateway: which tests, by which of OpenAI's two APIs the upstream is asked.
RUNS = [("chat", "chat"), ("responses", "responses"), ("responses", "chat"), ("others", "chat")]

# What a gateway answers otherwise on purpose: a pattern of the test's name, one of the failure, and why.
ON_PURPOSE = [
    (r"test_models.*delete", r"40[345]", "models are deleted by an operator, in the catalogue"),
    (r"chat.*(retrieve|update|delete|messages)", r"404", "stored chats are the provider's own; the gateway keeps none, and lists none"),
    (r"test_responses.*(retrieve|delete|cancel)|input_items", r"404|not.found|limit", "the tests name responses that nobody made, and a page of none"),
    (r"test_responses.*compact", r"/responses/compact", "only a platform with Responses can make a conversation short"),
    (r"test_embeddings.*create\[(strict|aiohttp)", r"validat", "the SDK asks for base64, which its strict types do not know; the mock sends numbers all the same"),
    (r"test_responses.*create", r"`model` is missing", "the tests name no model, and without one nobody can be asked"),
    (r"with_all_params", r"previous_response_id|conversation", "the tests go on from responses and conversations that nobody made"),
]

TYPES = {"text-embedding": "text_embed", "omni-moderation": "text_moderate"}


def catalogue(url, models, api):
    text = [f'[[platform]]\nname = "examples"\nprovider = "openai"\nbase_url = "{url}"\ncredentials = [{{ secret = "x" }}]\n']
    for model in models:
        kind = next((kind for start, kind in TYPES.items() if model.startswith(start)), "text_generate")
        way = f'api = "{api}"\n' if kind == "text_generate" and api != "chat" else ""
        text.append(
            f'[[model]]\nname = "{model}"\n[[platform_model]]\nplatform = "examples"\nmodel = "{model}"\nmodel_types = ["{kind}"]\n{way}'
            'price = { input_per_million = "1", output_per_million = "1" }\n'
        )
    return "\n".join(text)


def environment():
    """An environment with the pinned packages; made once."""
    pinned, python = HERE / "requirements.txt", PLACE / "python"
    made_from = python / "made-from"
    if not made_from.exists() or made_from.read_text() != pinned.read_text():
        shutil.rmtree(python, ignore_errors=True)
        subprocess.run([sys.executable, "-m", "venv", python], check=True)
        subprocess.run([python / "bin/pip", "install", "--quiet", "--no-deps", "-r", pinned], check=True)
        made_from.write_text(pinned.read_text())
    return python / "bin/python"


def sources(python):
    """The SDK's source distribution, which has its tests; fetched once, by its hash."""
    folder = PLACE / f"openai-{VERSION}"
    if not folder.exists():
        wanted = PLACE / "wanted.txt"
        wanted.write_text(f"openai=={VERSION} --hash=sha256:{SHA256}\n")
        fetch = [python, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", ":all:", "--require-hashes", "-d", PLACE, "-r", wanted]
        subprocess.run(fetch, check=True)
        with tarfile.open(PLACE / f"openai-{VERSION}.tar.gz") as archive:
            archive.extractall(PLACE, filter="data")
        # The key is written into the tests; everything else stays as it is.
        conftest = folder / "tests/conftest.py"
        text, count = re.subn(r'^api_key = "My API Key"$', 'api_key = os.environ.get("TEST_API_KEY", "My API Key")', conftest.read_text(), flags=re.MULTILINE)
        assert count == 1, "conftest.py has changed"
        conftest.write_text(text)
        # The installed SDK is tested, not the folder beside the tests.
        shutil.rmtree(folder / "src")
    return folder


def run(python, folder, group, base_url, key):
    """Outcome by test: None if it passed, else the failure in a line."""
    report = PLACE / "report.xml"
    report.unlink(missing_ok=True)
    files = [f"tests/api_resources/{name}" for name in TESTS[group]]
    settings = ["-o", "addopts=", "-o", "asyncio_mode=auto", "-o", "filterwarnings=", "-p", "no:cacheprovider", "-q", f"--junitxml={report}"]
    env = os.environ | {"TEST_API_BASE_URL": base_url, "TEST_API_KEY": key, "PYTHONDONTWRITEBYTECODE": "1", "PYTHONPATH": str(folder)}
    done = subprocess.run([python, "-m", "pytest", *settings, *files], cwd=folder, env=env, capture_output=True, text=True)
    assert report.exists(), done.stdout + done.stderr
    outcomes = {}
    for case in xml.etree.ElementTree.parse(report).iter("testcase"):
        if case.find("skipped") is not None:
            continue
        failure = case.find("failure") if case.find("failure") is not None else case.find("error")
        name = f"{case.get('classname').removeprefix('tests.api_resources.')}.{case.get('name')}"
        outcomes[name] = None if failure is None else " ".join(failure.get("message", "").split())[:300]
    return outcomes


def on_purpose(name, failure):
    for test, why_pattern, why in ON_PURPOSE:
        if re.search(test, name) and re.search(why_pattern, failure, re.IGNORECASE):
            return why
    return None


class Through(Stage):
    """The gateway with the catalogue of one run."""

    def __init__(self, text):
        super().__init__()
        self.text = text

    def catalogue(self):
        return self.text


def main():
    PLACE.mkdir(parents=True, exist_ok=True)
    python = environment()
    folder = sources(python)
    examples = Examples().start()
    direct = {group: run(python, folder, group, examples.url, "any") for group in TESTS}
    for group, outcomes in direct.items():
        print(f"{group:10} direct                {_count(outcomes)}")
        for name, failure in outcomes.items():
            if failure:
                print(f"    {name}: {failure}")
    if "gateway" not in (os.environ.get("SDK_WAYS") or "gateway"):
        return 0
    assert EASYAI.exists(), f"there is no {EASYAI}: build it, or name one in EASYAI_BIN"
    text = "".join((folder / "tests/api_resources" / name).read_text() for names in TESTS.values() for name in names)
    # The default of moderations is named by no test.
    models = sorted({*re.findall(r'model="([^"]+)"', text), "gpt-6-astra", "omni-moderation-latest"} - {"model"})
    surprises = 0
    for group, api in RUNS:
        with Through(catalogue(examples.url, models, api)) as stage:
            outcomes = run(python, folder, group, f"{stage.url}/v1", stage.key)
        differs = {name: failure for name, failure in outcomes.items() if failure and not direct[group].get(name)}
        print(f"{group:10} gateway, api {api:9}{_count(outcomes)}")
        reasons = collections.Counter(on_purpose(name, failure) for name, failure in differs.items())
        for why, count in reasons.items():
            if why:
                print(f"    {count} on purpose: {why}")
        for name, failure in differs.items():
            if not on_purpose(name, failure):
                surprises += 1
                print(f"    DIFFERS {name}: {failure}")
    print(f"{surprises} tests differ without a known reason")
    return int(surprises > 0)


def _count(outcomes):
    passed = sum(failure is None for failure in outcomes.values())
    return f"{passed} passed, {len(outcomes) - passed} failed"


if __name__ == "__main__":
    sys.exit(main())
