"""What tests of media share: the wallet before and after, refusals, files as Pillow and ffprobe see them, inputs."""

import io
import json
import subprocess
import time
from contextlib import contextmanager
from decimal import Decimal

import openai
import pytest
from PIL import Image

from conftest import call

# The longest that a job of the mocks may take from its submission to its end at the caller: 10 s between polls, and some.
PATIENCE_S = 60


class Wallet:
    """The money of one key's account. Read after the fact: what an answer cost is booked before it is complete."""

    def __init__(self, stage, key=None):
        self.url, self.headers = f"{stage.url}/api/v1/wallet", {"Authorization": f"Bearer {key or stage.key}"}

    def read(self):
        wallet = call(self.url, headers=self.headers)
        return Decimal(wallet["balance"]), Decimal(wallet["held"])

    @contextmanager
    def charged(self, amount):
        """Within it exactly `amount` is charged, and nothing stays held."""
        (before, held), (after, still) = self.read(), (None, None)
        yield
        after, still = self.read()
        assert before - after == Decimal(amount), f"charged {before - after}, expected {amount}"
        assert still == held, f"{still - held} stays held"


@contextmanager
def untouched(stage):
    """Within it nothing is charged, and no upstream is called."""
    calls = stage.mocks.count()
    with Wallet(stage).charged(0):
        yield
    made = [(each.kind, each.name) for each in stage.mocks.since(calls) if each.method == "POST"]
    assert made == [], f"an upstream was called: {made}"


def refused(call, field, codes=("bad_request", "capability_unsupported")):
    """The call is refused with 400 and names the field."""
    with pytest.raises(openai.BadRequestError) as caught:
        call()
    failure = caught.value
    assert failure.code in codes, f"{failure.code}: {failure.message}"
    assert (failure.param or "").startswith(field) or field in failure.message, f"it does not name {field}: {failure.param}: {failure.message}"
    assert failure.type == "invalid_request_error"
    return failure


def opened(data):
    """A picture, read to its end."""
    image = Image.open(io.BytesIO(data))
    image.load()
    return image


def probed(path):
    """What ffprobe says of a file: format, length in seconds, and the codec of each kind of stream."""
    command = ["ffprobe", "-v", "error", "-show_entries", "format=format_name,duration:stream=codec_type,codec_name", "-of", "json", str(path)]
    run = subprocess.run(command, capture_output=True, text=True)
    assert run.returncode == 0 and not run.stderr, run.stderr
    told = json.loads(run.stdout)
    length = float(told["format"].get("duration", 0))
    return told["format"]["format_name"], length, {stream["codec_type"]: stream["codec_name"] for stream in told["streams"]}


def decoded(path):
    """Decodes a file to its end: nothing in it is broken."""
    run = subprocess.run(["ffmpeg", "-v", "error", "-i", str(path), "-f", "null", "-"], capture_output=True, text=True)
    assert run.returncode == 0 and not run.stderr, run.stderr


def files_of(task):
    """The addresses of what a task made, as its object has them."""
    return [asset["url"] for asset in task["result"]["assets"]]


def until(wanted, patience_s=PATIENCE_S, every_s=0.1):
    """What `wanted` gives, once it gives something."""
    end = time.monotonic() + patience_s
    while True:
        if found := wanted():
            return found
        assert time.monotonic() < end, f"not within {patience_s} s"
        time.sleep(every_s)
