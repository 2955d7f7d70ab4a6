"""Callbacks: the receiver of docs/callbacks.md, as it stands there, verifies real deliveries with the official library."""

import os
import re
import subprocess
import sys
import urllib.error
import urllib.request

import pytest
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from stage import ROOT, free_port
from wire import plain

EVENTS = ["task.progress", "task.attempt.started", "task.billing.settled", "task.completed"]


def snippet(language):
    return re.search(rf"^```{language}\n(.*?)^```", (ROOT / "docs/callbacks.md").read_text(), re.M | re.S)[1]


@pytest.fixture
def receiver(stage, tmp_path):
    """The documented receiver, on a port of its own: its process and its URL."""
    (tmp_path / "receiver.py").write_text(snippet("python"))
    port = free_port()
    environment = os.environ | {"CALLBACK_SECRET": stage.callback_secret(), "PORT": str(port)}
    process = subprocess.Popen([sys.executable, tmp_path / "receiver.py"], stdout=subprocess.PIPE, text=True, env=environment)
    yield process, f"http://127.0.0.1:{port}/"
    process.kill()
    process.wait()


def test_the_documented_receiver_takes_real_deliveries(client, script, ask, receiver):
    process, url = receiver
    script(plain())
    response = client.chat.completions.with_raw_response.create(**ask, extra_headers={"x-easyai-callback-url": url})
    task = response.headers["x-easyai-task-id"]
    # A receiver that is not up yet is tried again.
    told = [process.stdout.readline().split() for _ in EVENTS]
    assert told == [[f"{task}_{seq}", event, "running" if seq < 3 else "succeeded"] for seq, event in enumerate(EVENTS, 1)]


def test_the_documented_receiver_refuses_what_is_not_signed(client, script, ask, receiver):
    process, url = receiver
    script(plain())
    # Only to know that it is up.
    client.chat.completions.create(**ask, extra_headers={"x-easyai-callback-url": url, "x-easyai-callback-events": "task.completed"})
    process.stdout.readline()
    headers = {"webhook-id": "task_1", "webhook-timestamp": "1795607941", "webhook-signature": "v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4="}
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(urllib.request.Request(url, b"{}", headers, method="POST"), timeout=10)
    assert caught.value.code == 401


def test_both_secrets_verify_while_one_replaces_the_other(stage, client, script, ask, deliveries):
    old = stage.callback_secret()
    stage.easyai("callback", "secret", "rotate", "--account", "sdk")
    new = stage.callback_secret()
    assert old != new
    script(plain())
    headers = {"x-easyai-callback-url": deliveries.url, "x-easyai-callback-events": "task.completed"}
    client.chat.completions.create(**ask, extra_headers=headers)
    body, head = deliveries.next()
    for secret in (old, new):
        assert Webhook(secret).verify(body, head)["type"] == "task.completed"
    with pytest.raises(WebhookVerificationError):
        Webhook(stage.callback_secret("poor")).verify(body, head)
    with pytest.raises(WebhookVerificationError):
        Webhook(new).verify(body.replace(b"succeeded", b"succeedes"), head)


@pytest.fixture
def deliveries():
    """A receiver that takes everything and gives it on."""
    import queue
    import threading
    from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

    taken = queue.Queue()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            taken.put((self.rfile.read(int(self.headers["content-length"])), {name.lower(): value for name, value in self.headers.items()}))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()

    class Deliveries:
        url = f"http://127.0.0.1:{server.server_port}/"

        @staticmethod
        def next():
            return taken.get(timeout=30)

    yield Deliveries
    server.shutdown()
    server.server_close()
