"""Who is asked, whether the call is allowed, and how the answer goes over the wire. What was asked is kept for the tests."""

import itertools
import json
import re
import socket
import struct
import sys
import threading
import time
import traceback
from dataclasses import asdict, dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, unquote, urlsplit

from mocks.check import Refused, must
from mocks.media import gemini_media, openai_audio, openai_images, openai_videos, openspeech, seedance, seedream, veo
from mocks.media.ask import Ask, as_json
from mocks.media.jobs import Jobs
from mocks.media.store import Store
from mocks.server import SECRET, _refusal

GEMINI = r"/gemini/v1(?:beta)?"
# Method, path, kind of upstream, what tests call it, who answers.
ROUTES = [
    ("POST", r"/openai/v1/images/generations", "openai", "images", openai_images.generations),
    ("POST", r"/openai/v1/images/edits", "openai", "edits", openai_images.edits),
    ("POST", r"/openai/v1/videos", "openai", "videos", openai_videos.create),
    ("GET", r"/openai/v1/videos", "openai", "list", openai_videos.listed),
    ("GET", r"/openai/v1/videos/([^/]+)", "openai", "poll", openai_videos.retrieve),
    ("DELETE", r"/openai/v1/videos/([^/]+)", "openai", "delete", openai_videos.delete),
    ("GET", r"/openai/v1/videos/([^/]+)/content", "openai", "content", openai_videos.content),
    ("POST", r"/openai/v1/videos/([^/]+)/remix", "openai", "videos", openai_videos.remix),
    ("POST", r"/openai/v1/audio/speech", "openai", "speech", openai_audio.speech),
    ("POST", r"/openai/v1/audio/transcriptions", "openai", "transcriptions", openai_audio.transcriptions),
    ("POST", r"/openai/v1/audio/translations", "openai", "translations", openai_audio.translations),
    ("POST", GEMINI + r"/models/([^:/]+):generateContent", "gemini", "generate", gemini_media.generate),
    ("POST", GEMINI + r"/models/([^:/]+):predictLongRunning", "gemini", "videos", veo.submit),
    ("GET", GEMINI + r"/models/([^:/]+)/operations/([^/]+)", "gemini", "poll", veo.operation),
    ("GET", GEMINI + r"/files/([^:/]+):download", "gemini", "content", veo.download),
    ("POST", r"/volces/api/v3/images/generations", "volces", "images", seedream.generations),
    ("POST", r"/volces/api/v3/contents/generations/tasks", "volces", "videos", seedance.create),
    ("GET", r"/volces/api/v3/contents/generations/tasks", "volces", "list", seedance.listed),
    ("GET", r"/volces/api/v3/contents/generations/tasks/([^/]+)", "volces", "poll", seedance.retrieve),
    ("DELETE", r"/volces/api/v3/contents/generations/tasks/([^/]+)", "volces", "delete", seedance.delete),
    ("POST", r"/openspeech/api/v3/tts/unidirectional", "openspeech", "speech", openspeech.speak),
    ("POST", r"/openspeech/api/v3/auc/bigmodel/recognize/flash", "openspeech", "transcriptions", openspeech.recognize),
]
ROUTES = [(method, re.compile(path), kind, name, answer) for method, path, kind, name, answer in ROUTES]

# The old console's pair of credentials; the new one's single key is SECRET.
APP_ID = "app-1"
# Calls that are kept.
MAX_CALLS = 20_000


@dataclass
class Call:
    kind: str
    name: str
    method: str
    path: str
    headers: dict
    body: bytes
    status: int = None
    heard: dict = field(default_factory=dict)


class MediaMocks(ThreadingHTTPServer):
    """`job_seconds` is how long a job takes that says nothing else."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, port=0, job_seconds=0.6):
        super().__init__(("127.0.0.1", port), _Handler)
        self.job_seconds = job_seconds
        self.store = Store()
        self.jobs = Jobs()
        self.lock = threading.Lock()
        self.calls = []
        self._numbers = itertools.count(1)

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}"

    def start(self):
        self.store.start()
        threading.Thread(target=self.serve_forever, daemon=True).start()
        return self

    def ids(self, prefix):
        return f"{prefix}{next(self._numbers):08d}mock"

    def remember(self, call):
        with self.lock:
            self.calls.append(call)
            del self.calls[:-MAX_CALLS]

    def seen(self, marker, *names):
        """The calls whose prompt or body holds `marker`, in order; of these names, if any are given."""
        with self.lock:
            calls = list(self.calls)
        text = marker.encode()
        return [call for call in calls if (not names or call.name in names) and (text in call.body or marker in str(call.heard.get("prompt")))]

    def count(self):
        """How many calls there were; for `since`."""
        with self.lock:
            return len(self.calls)

    def since(self, count, *names):
        """The calls after `count`, in order; of these names, if any are given."""
        with self.lock:
            return [call for call in self.calls[count:] if not names or call.name in names]

    def handle_error(self, request, client_address):
        """Callers that go away are part of some tests; all else is a fault of the mock."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *_):
        pass

    def _body(self):
        if self.headers.get("transfer-encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("content-length", 0)))
        whole = b""
        while size := int(self.rfile.readline().split(b";")[0], 16):
            whole += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return whole

    def do_GET(self):
        path = urlsplit(self.path).path
        if path.startswith("/seen/"):
            marker = unquote(path.removeprefix("/seen/"))
            told = [{name: value for name, value in asdict(call).items() if name != "body"} for call in self.server.seen(marker)]
            return self._write(as_json(json.loads(json.dumps(told, default=str))))
        if path.startswith("/jobs/"):
            jobs = self.server.jobs.of(unquote(path.removeprefix("/jobs/")))
            return self._write(as_json([{"id": job.id, "state": job.state, "polls": job.polls, "fetches": job.fetches} for job in jobs]))
        return self._route("GET")

    def do_POST(self):
        self._route("POST")

    def do_DELETE(self):
        self._route("DELETE")

    def _route(self, method):
        split, body = urlsplit(self.path), self._body()
        for allowed, pattern, kind, name, answer in ROUTES:
            if allowed == method and (found := pattern.fullmatch(unquote(split.path))):
                headers = {key.lower(): value for key, value in self.headers.items()}
                call = Call(kind, name, method, self.path, headers, body)
                self.server.remember(call)
                ask = Ask(self.server, kind, method, self.path, found.groups(), dict(parse_qsl(split.query)), headers, body, call.heard)
                return self._answer(ask, answer, call)
        self._write(as_json({"error": {"message": f"no {method} {split.path} here", "type": "invalid_request_error", "param": None, "code": None}}, 404))

    def _answer(self, ask, answer, call):
        try:
            self._authorized(ask.kind)
            made = answer(ask)
        except Refused as refused:
            made = _refused(ask.kind, refused)
        except (AttributeError, KeyError, TypeError, ValueError) as bad:
            # A shape so wrong that no check above had a word for it.
            made = _refused(ask.kind, Refused(f"malformed: {bad!r}: {traceback.format_exc()[-600:]}"))
        call.status = made.status
        self._reset() if made.reset else self._write(made)

    def _authorized(self, kind):
        given = {"gemini": self.headers.get("x-goog-api-key"), "openspeech": self.headers.get("x-api-key")}.get(kind)
        if kind == "openspeech" and self.headers.get("x-api-access-key"):
            app = self.headers.get("x-api-app-id") or self.headers.get("x-api-app-key")
            given = self.headers.get("x-api-access-key") if app == APP_ID else None
        if kind in ("openai", "volces"):
            given = (self.headers.get("authorization") or "").removeprefix("Bearer ")
        code = {"openai": "invalid_api_key", "volces": "AuthenticationError"}.get(kind)
        must(given == SECRET, "API key not valid. Please pass a valid API key.", status=400 if kind == "gemini" else 401, code=code)

    def _write(self, made):
        self.send_response(made.status)
        pause = float(made.headers.pop("x-mock-pause", 0))
        headers = {"content-type": made.media_type, "x-request-id": "req_mock"} | made.headers
        for name, value in headers.items():
            self.send_header(name, value)
        whole = isinstance(made.body, bytes)
        if "content-length" not in headers:
            self.send_header(*(("content-length", str(len(made.body))) if whole else ("transfer-encoding", "chunked")))
        self.end_headers()
        self.close_connection = self.close_connection or "connection" in headers
        if whole:
            self.wfile.write(made.body)
            return
        try:
            for at, piece in enumerate(made.body):
                if at == 1:
                    time.sleep(pause)
                self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
                self.wfile.flush()
            self.wfile.write(b"0\r\n\r\n")
        except ConnectionAbortedError:
            self.close_connection = True

    def _reset(self):
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()


def _refused(kind, refused):
    """A refusal in the provider's own words."""
    if kind == "openspeech":
        # The speech service: a wrong parameter is a 400 with its own code, and the status stands in headers too.
        code = 45_000_000 if refused.status == 401 else openspeech.BAD_PARAMETER
        headers = {"x_api_status_code": str(code), "x_api_message": refused.message[:200], "x_tt_logid": "logid-mock"}
        return as_json({"header": {"code": code, "message": refused.message}}, refused.status, **headers)
    status, body = _refusal(kind, refused.status, refused.message, refused.param, refused.code)
    if kind == "volces" and refused.code:
        body["error"]["code"] = refused.code
    if kind == "openai" and refused.kind:
        body["error"]["type"] = refused.kind
    return as_json(body, status)
