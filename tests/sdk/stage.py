"""Everything a test stands on: a scripted upstream, a gateway process of its own in a fresh folder, a dripping network, accounts, keys.

Python tests start it from `conftest.py`. Others run as a command on it and find it by variables of the environment:

    python3 stage.py node --test tests/sdk/node
"""

import json
import os
import pathlib
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request

import matrix
from drip import Drip
from mocks import SECRET, Mocks
from upstream import Upstream

ROOT = pathlib.Path(__file__).resolve().parents[2]
EASYAI = pathlib.Path(os.environ.get("EASYAI_BIN") or ROOT / "target/debug/easyai")

# What the tests reckon with: dollars for a million tokens, and the group's multiplier.
INPUT, CACHED, OUTPUT, MULTIPLIER = "2.5", "1.25", "10", "1.5"

# `chat` keeps its name upstream, so that its body passes unchanged. Failures cool a platform down or switch it off, so those that
# are made to fail have platforms of their own.
MODELS = [
    # model, platforms in their order, upstream name
    ("chat", ["main"], "chat"),
    ("renamed", ["main"], "the-upstreams-own-name"),
    ("limited", ["limited"], "limited"),
    ("broken", ["broken"], "broken"),
    ("overloaded", ["overloaded"], "overloaded"),
    ("locked", ["locked"], "locked"),
    ("twice", ["flaky", "main"], "twice"),
]

PLATFORM = """
[[platform]]
name = "{name}"
provider = "openai"
base_url = "{url}/v1"
priority = {priority}
credentials = [{{ secret = "the-operators-own-secret" }}]
"""

PRICE = f'price = {{ input_per_million = "{INPUT}", cached_input_per_million = "{CACHED}", output_per_million = "{OUTPUT}" }}'

PLATFORM_MODEL = """
[[platform_model]]
platform = "{platform}"
model = "{model}"
upstream_name = "{upstream}"
{price}
"""


def catalogue(url, mocks_url):
    platforms = {name for _, names, _ in MODELS for name in names}
    text = [PLATFORM.format(name=name, url=url, priority=int(name == "main")) for name in sorted(platforms)]
    for model, names, upstream in MODELS:
        text.append(f'[[model]]\nname = "{model}"\n')
        text += [PLATFORM_MODEL.format(platform=name, model=model, upstream=upstream, price=PRICE) for name in names]
    text.append(matrix.catalogue(mocks_url, SECRET, PRICE))
    text.append(f'[[group]]\nname = "default"\nprice_multiplier = "{MULTIPLIER}"\nmodels = ["*"]\n')
    return "\n".join(text)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Stage:
    """A context: the gateway runs within it."""

    # Environment of the gateway, beside what it inherits. Receivers of callbacks and files of upstreams are on this machine.
    SETTINGS = {"EASYAI_EGRESS_ALLOW_PRIVATE": "true"}

    def __init__(self, mocks=None):
        self.mocks = mocks or Mocks().start()

    def __enter__(self):
        self._folder = tempfile.TemporaryDirectory(prefix="easyai-sdk-")
        folder = pathlib.Path(self._folder.name)
        self.data = folder / "data"
        self.upstream = Upstream().start()
        (folder / "catalog.toml").write_text(self.catalogue())
        self.easyai("apply", "-f", str(folder / "catalog.toml"))
        self.key = self.account("sdk", "100")
        self.poor_key = self.account("poor", None)
        self.fresh_key = self.account("fresh", "1")
        self.narrow_key = self.new_key("sdk", "--models", "renamed")
        self.log = folder / "log"
        self.start()
        self.drip = Drip(self.port).start()
        return self

    def catalogue(self):
        return catalogue(self.upstream.url, self.mocks.url)

    def __exit__(self, *_):
        self.stop()
        self._folder.cleanup()

    def stop(self):
        self._gateway.terminate()
        self._gateway.wait(60)

    def easyai(self, *arguments):
        command = [str(EASYAI), "--data", str(self.data), *arguments]
        run = subprocess.run(command, capture_output=True, text=True, timeout=60, env=_quiet() | self.SETTINGS)
        assert run.returncode == 0, f"{arguments}: {run.stdout}{run.stderr}"
        return run.stdout

    def account(self, name, money):
        self.easyai("account", "create", name)
        if money:
            self.easyai("account", "top-up", name, money)
        return self.new_key(name)

    def new_key(self, account, *more):
        return json.loads(self.easyai("--json", "key", "create", "--account", account, *more))["key"]

    def callback_secret(self, account="sdk"):
        return json.loads(self.easyai("--json", "callback", "secret", "show", "--account", account))["secret"]

    def start(self):
        self.port = free_port()
        command = [str(EASYAI), "--data", str(self.data), "serve", "--listen", f"127.0.0.1:{self.port}"]
        with self.log.open("a") as log:
            self._gateway = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, env=_quiet() | self.SETTINGS)
        for _ in range(300):
            assert self._gateway.poll() is None, self.log.read_text()
            try:
                urllib.request.urlopen(f"{self.url}/readyz", timeout=5).close()
                return
            except OSError:
                time.sleep(0.1)
        raise AssertionError(f"the gateway did not get ready: {self.log.read_text()}")

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def base_url(self, caller):
        """What a user of this SDK sets as base URL."""
        return f"{self.url}/v1" if caller in ("chat", "responses") else self.url

    def environment(self):
        return {
            "SDK_GATEWAY": self.url,
            "SDK_DRIP": self.drip.url,
            "SDK_UPSTREAM": self.upstream.url,
            **of_mocks(self.mocks),
            "SDK_KEY": self.key,
            "SDK_CALLBACK_SECRET": self.callback_secret(),
            "SDK_POOR_KEY": self.poor_key,
            "SDK_FRESH_KEY": self.fresh_key,
            "SDK_NARROW_KEY": self.narrow_key,
        }


def of_mocks(mocks):
    return {"SDK_MOCKS": mocks.url, "SDK_SECRET": SECRET, "SDK_CELLS": matrix.for_node()}


def _quiet():
    """The environment without settings that a developer may have for a gateway of their own."""
    return {name: value for name, value in os.environ.items() if not name.startswith("EASYAI_")}


def main(command):
    if "gateway" not in matrix.WAYS:
        return subprocess.run(command, env=os.environ | of_mocks(Mocks().start())).returncode
    with Stage() as stage:
        code = subprocess.run(command, env=os.environ | stage.environment()).returncode
        print(stage.easyai("ledger", "verify"), end="")
        if code:
            sys.stderr.write(stage.log.read_text()[-20_000:])
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
