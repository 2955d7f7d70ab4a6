"""A receiver of callbacks that remembers what it got and answers as it is told.

The address says how: `/ok/NAME` takes everything, `/flaky/NAME` answers 500 to every first try, `/slow/NAME` takes its time, `/dead/NAME` answers
500 always, `/gone/NAME` answers 410 to every first try and takes the next, `/inwards/NAME` redirects to an address that nobody should be sent to. NAME is the test's own.
"""

import json
import sys
import threading
import time
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

SLOW_S = 8


@dataclass(frozen=True)
class Got:
    """One delivery, as it came."""

    headers: dict
    body: bytes
    at: float
    status: int

    @property
    def id(self):
        return self.headers["webhook-id"]

    @property
    def data(self):
        return json.loads(self.body)


class Receiver(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 512

    def __init__(self, port=0):
        super().__init__(("127.0.0.1", port), _Handler)
        self.lock = threading.Lock()
        self._got = {}

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}"

    def start(self):
        threading.Thread(target=self.serve_forever, daemon=True).start()
        return self

    def handle_error(self, request, client_address):
        """Senders that are killed are part of some tests."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)

    def got(self, name):
        """All deliveries of a test, those that were refused too."""
        with self.lock:
            return list(self._got.get(name, []))

    def taken(self, name):
        """Those that were answered with success."""
        return [each for each in self.got(name) if each.status == 204]

    def names(self):
        with self.lock:
            return list(self._got)

    def take(self, how, name, headers, body):
        """Keeps a delivery, and says what it is answered."""
        id = headers.get("webhook-id")
        with self.lock:
            before = self._got.setdefault(name, [])
            first = all(each.id != id for each in before)
            status = {"flaky": 500 if first else 204, "gone": 410 if first else 204, "dead": 500, "inwards": 302}.get(how, 204)
            before.append(Got(headers, body, time.monotonic(), status))
        if how == "slow":
            time.sleep(SLOW_S)
        return status


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_POST(self):
        _, how, name = self.path.split("/", 2)
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        status = self.server.take(how, name, {key.lower(): value for key, value in self.headers.items()}, body)
        self.send_response(status)
        if status == 302:
            self.send_header("location", "http://169.254.169.254/latest/meta-data/")
        if status != 204:
            self.send_header("content-length", "0")
        self.end_headers()
