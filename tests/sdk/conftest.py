"""The stage, once for all tests, and what a test needs of it."""

import json
import re
import urllib.request

import openai
import pytest

from callers import CALLERS
from matrix import DIRECT
from mocks import SECRET, Mocks
from stage import Stage


@pytest.fixture(scope="session")
def mocks():
    """The upstreams of the matrix."""
    return Mocks().start()


@pytest.fixture(scope="session")
def stage(mocks):
    with Stage(mocks) as stage:
        yield stage
        # Whatever the tests did to the gateway, its books must agree.
        stage.easyai("ledger", "verify")


@pytest.fixture(scope="session")
def media_mocks():
    """The upstreams that make and hear media."""
    # Here: client libraries' tests have no Pillow in their environment.
    from mocks.media import MediaMocks

    return MediaMocks().start()


@pytest.fixture(scope="session")
def media(media_mocks):
    """A gateway before them."""
    from media_stage import MediaStage

    with MediaStage(media_mocks) as stage:
        yield stage
        stage.easyai("ledger", "verify")


@pytest.fixture
def sdk(request):
    """`sdk(place)` is OpenAI's SDK, set up for this place. The gateway is started only if a place needs it."""
    made = []

    def client(place, key=None):
        if place.direct:
            address, known = f"{request.getfixturevalue('media_mocks').url}/openai/v1", SECRET
        else:
            stage = request.getfixturevalue("media")
            address, known = f"{stage.url}/v1", key or stage.key
        made.append(openai.OpenAI(base_url=address, api_key=known, timeout=60, max_retries=0))
        return made[-1]

    yield client
    for each in made:
        each.close()


@pytest.fixture
def marker(name):
    """A word that only this test's prompts have."""
    return f"#{name}#"


@pytest.fixture(scope="session")
def caller_of(request, mocks):
    """`caller_of(cell)` is its caller, set up for its way. The gateway is started only if a cell needs it."""
    made = {}

    def caller(cell, key=None):
        place = (cell.way, cell.caller, cell.kind if cell.way == "direct" else None, key)
        if place not in made:
            if cell.way == "direct":
                address, known = mocks.url + DIRECT[cell.caller, cell.kind], SECRET
            else:
                stage = request.getfixturevalue("stage")
                address, known = stage.base_url(cell.caller), stage.key
            made[place] = CALLERS[cell.caller](address, key or known)
        return made[place]

    return caller


@pytest.fixture
def name(request):
    """The test's own name, under which it scripts the upstream."""
    return re.sub(r"\W+", "-", request.node.nodeid.rpartition("::")[2])


@pytest.fixture
def script(stage, name):
    """`script(answer, …)` says what the upstream answers to this test; each is a dict as `upstream.py` has it."""

    def write(*answers):
        call(f"{stage.upstream.url}/script/{name}", method="PUT", body=answers)

    return write


@pytest.fixture
def seen(stage, name):
    """The request bodies that the upstream got from this test, as bytes."""
    return lambda: [body.encode() for body in call(f"{stage.upstream.url}/seen/{name}")["bodies"]]


@pytest.fixture
def client(stage):
    """The SDK as most people set it up, retries included."""
    with openai.OpenAI(base_url=f"{stage.url}/v1", api_key=stage.key, timeout=20) as client:
        yield client


@pytest.fixture
def ask(name):
    """What every chat of a test has."""
    return {"model": "chat", "messages": [{"role": "user", "content": "Hello"}], "user": name}


@pytest.fixture
def post(stage):
    """Asks for a chat with a body, and gives the answer's body, both byte for byte: SDKs write their bodies themselves."""
    headers = {"Authorization": f"Bearer {stage.key}", "Content-Type": "application/json"}
    return lambda body: exchange(f"{stage.url}/v1/chat/completions", "POST", body, headers)


def call(url, method="GET", body=None, headers=None):
    """JSON over plain HTTP, for what no SDK has."""
    text = exchange(url, method, None if body is None else json.dumps(body).encode(), headers or {})
    return json.loads(text) if text else None


def exchange(url, method, body, headers):
    request = urllib.request.Request(url, data=body, method=method, headers=headers)
    with urllib.request.urlopen(request, timeout=20) as response:
        return response.read()
