"""Where finished files lie: another port, signed URLs that live for a while, no credential wanted.

A signature covers the query as it stands. It has characters that a tidy-minded URL library writes anew (`%7E`, a `+`, a `/`), which breaks it.
"""

import secrets
import threading
import time
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from mocks.media import files
from mocks.media.ask import as_file

LIFE_S = 3600


@dataclass
class Lying:
    data: bytes
    media_type: str
    until: float
    job: object = None
    fetches: int = 0


class Store(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.lock = threading.Lock()
        self.lying = {}

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}"

    def start(self):
        threading.Thread(target=self.serve_forever, daemon=True).start()
        return self

    def sign(self, data, form, job=None, life_s=LIFE_S):
        query = f"X-Tos-Algorithm=TOS4-HMAC-SHA256&X-Tos-Credential=AK%2F20261201%2Fcn%7Ebj&x=a+b/c&X-Tos-Signature={secrets.token_hex(16)}"
        path = f"/ark-results/{secrets.token_hex(8)}.{form}?{query}"
        with self.lock:
            self.lying[path] = Lying(data, files.MEDIA_TYPES[form], time.monotonic() + life_s, job)
        return self.url + path

    def fetches(self, url):
        return self.lying[url.removeprefix(self.url)].fetches


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *_):
        pass

    def do_GET(self):
        there = self.server.lying.get(self.path)
        if "authorization" in self.headers or "x-goog-api-key" in self.headers:
            return self._answer(400, b"<Error><Code>InvalidArgument</Code><Message>Only one auth mechanism allowed</Message></Error>", "application/xml")
        if there is None or time.monotonic() > there.until:
            return self._answer(403, b"<Error><Code>SignatureDoesNotMatch</Code></Error>", "application/xml")
        there.fetches += 1
        if there.job is None:
            return self._answer(200, there.data, there.media_type)
        made = as_file(there.job, there.data, there.media_type)
        return self._answer(made.status, made.body, made.media_type, made.headers)

    def _answer(self, status, data, media_type, headers=None):
        self.send_response(status)
        for name, value in ({"content-type": media_type, "content-length": str(len(data))} | (headers or {})).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)
        self.close_connection = self.close_connection or "connection" in (headers or {})
