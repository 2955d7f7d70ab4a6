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
from dataclasses import asdict
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit

from mocks import chat, gemini, messages, other, responses
from mocks.check import Refused, must
from mocks.opaque import Opaque
from mocks.said import Heard, answer_to

# The operator's credential at every platform.
SECRET = "the-operators-own-secret"
WORDS = {"openai": chat, "volces": chat, "responses": responses, "ark": responses, "anthropic": messages, "gemini": gemini}

# Method's path, kind of upstream, what is called.
ROUTES = [
    (r"/openai/v1/chat/completions", "openai", "talk"),
    (r"/openai/v1/responses", "responses", "talk"),
    (r"/openai/v1/(embeddings|moderations|completions|rerank)", "openai", "other"),
    (r"/openai/v1/responses/(input_tokens)", "responses", "other"),
    (r"/volces/api/v3/chat/completions", "volces", "talk"),
    (r"/volces/api/v3/responses", "ark", "talk"),
    (r"/volces/api/v3/(embeddings)", "volces", "other"),
    (r"/anthropic/v1/messages", "anthropic", "talk"),
    (r"/anthropic/v1/messages/(count_tokens)", "anthropic", "other"),
    (r"/gemini/v1(?:beta)?/models/([^:/]+):(generateContent|streamGenerateContent)", "gemini", "talk"),
    (r"/gemini/v1(?:beta)?/models/([^:/]+):(countTokens|embedContent|batchEmbedContents)", "gemini", "other"),
]
ROUTES = [(re.compile(path), kind, call) for path, kind, call in ROUTES]

COUNTED_TOKENS = 42

# What every failure that a test asked for says: a policy can tell it by that.
SAYS = "says the mock"
MESSAGES = {
    400: f"I do not like this banana, {SAYS}.",
    401: f"Incorrect API key provided: sk-ab**yz, {SAYS}.",
    403: f"You are not allowed to do this, {SAYS}.",
    429: f"Rate limit reached, {SAYS}. Please slow down.",
    500: f"The server had an error while processing your request, {SAYS}.",
    503: f"The model is overloaded, {SAYS}. Please try again later.",
}


class Mocks(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, port=0):
        super().__init__(("127.0.0.1", port), _Handler)
        self.opaque = Opaque()
        self.lock = threading.Lock()
        self.calls = []
        self._numbers = itertools.count(1)

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}"

    def start(self):
        threading.Thread(target=self.serve_forever, daemon=True).start()
        return self

    def ids(self, prefix):
        return f"{prefix}{next(self._numbers):08d}mock"

    def remember(self, kind, path, headers, text):
        headers = {name.lower(): value for name, value in headers.items()}
        call = {"kind": kind, "path": path, "headers": headers, "body": text, "status": None, "heard": None}
        with self.lock:
            self.calls.append(call)
            del self.calls[:-20_000]
        return call

    def seen(self, marker):
        """The calls whose body holds `marker`, in order."""
        with self.lock:
            return [call for call in self.calls if marker in call["body"]]

    def heard(self, marker):
        """What those that were no failures were understood to ask."""
        return [call["heard"] for call in self.seen(marker) if call["heard"]]

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
            calls = self.server.seen(unquote(path.removeprefix("/seen/")))
            return self._whole(200, [call | {"heard": _plain(call["heard"])} for call in calls])
        return self._whole(404, {"error": {"message": f"no {path} here"}})

    def do_POST(self):
        split = urlsplit(self.path)
        text = self._body().decode()
        for pattern, kind, what in ROUTES:
            if found := pattern.fullmatch(unquote(split.path)):
                call = self.server.remember(kind, self.path, self.headers, text)
                try:
                    return self._answer(kind, what, found.groups(), text, parse_qs(split.query), call)
                except Refused as refused:
                    return self._refuse(kind, refused.status, refused.message, refused.param, refused.code, call)
                except (AttributeError, KeyError, TypeError) as bad:
                    # A shape so wrong that no check above had a word for it.
                    return self._refuse(kind, 400, f"malformed: {bad!r}: {traceback.format_exc()[-600:]}", None, None, call)
        return self._whole(404, {"error": {"message": f"no {split.path} here", "type": "invalid_request_error", "param": None, "code": None}})

    def _answer(self, kind, what, groups, text, query, call):
        self._authorized(kind)
        try:
            body = json.loads(text)
        except ValueError as bad:
            raise Refused(f"We could not parse the JSON body of your request: {bad}") from bad
        model = groups[0] if kind == "gemini" else body.get("model")
        if what == "other":
            return self._other(kind, groups, body, model, call)
        must(isinstance(model, str) and model, "you must provide a model parameter", param="model")
        family, _, rest = model.partition("--")
        behaviour, *how = rest.split("--")
        heard = Heard(kind, family, behaviour)
        WORDS[kind].hear(body, heard, self.server.opaque)
        stranger = self.server.opaque.stranger(kind, text)
        must(stranger is None, f"LEAK: the request holds {stranger}")
        call["heard"] = heard
        if kind == "gemini":
            heard.stream = groups[1] == "streamGenerateContent"
        if behaviour.startswith("error-"):
            return self._refuse(kind, int(behaviour[6:9]), None, None, None, call)
        if behaviour == "slow":
            time.sleep(1.5)
        call["status"] = 200
        said = answer_to(heard)
        words, more = WORDS[kind], (body | {"model": model}, self.server.ids, self.server.opaque)
        if heard.stream:
            as_list = kind == "gemini" and query.get("alt") != ["sse"]
            must(not as_list, "this mock streams with alt=sse only")
            return self._stream(kind, said, heard, list(words.events(said, heard, *more)), 5 if "drip" in how else None)
        return self._whole(200, words.whole(said, heard, *more), cut=said.fate is not None)

    def _authorized(self, kind):
        if kind == "anthropic":
            must(self.headers.get("anthropic-version"), "anthropic-version: header is required")
            must(self.headers.get("content-type", "").startswith("application/json"), "content-type: application/json is required")
        given = {"anthropic": self.headers.get("x-api-key"), "gemini": self.headers.get("x-goog-api-key")}
        secret = given.get(kind) or (self.headers.get("authorization") or "").removeprefix("Bearer ")
        # A wrong key at Google is a 400.
        must(secret == SECRET, "API key not valid. Please pass a valid API key.", status=400 if kind == "gemini" else 401, code="invalid_api_key")

    def _other(self, kind, groups, body, model, call):
        call["status"] = 200
        match groups[-1]:
            case "embeddings":
                return self._whole(200, other.embeddings(body))
            case "moderations":
                return self._whole(200, other.moderations(body))
            case "rerank":
                return self._whole(200, other.rerank(body))
            case "completions":
                whole, events = other.completions(body, self.server.ids)
                return self._whole(200, whole) if whole else self._stream(kind, None, None, events, None)
            case "input_tokens":
                return self._whole(200, {"object": "response.input_tokens", "input_tokens": COUNTED_TOKENS})
            case "count_tokens":
                heard = Heard(kind, (model or "").partition("--")[0], "count")
                messages.hear(body, heard, self.server.opaque, counting=True)
                call["heard"] = heard
                return self._whole(200, {"input_tokens": COUNTED_TOKENS})
            case "countTokens":
                asked = body.get("generateContentRequest") or body
                heard = Heard(kind, model.partition("--")[0], "count")
                must("generateContentRequest" not in body or asked.get("model") == f"models/{model}", "generateContentRequest.model: must be the one of the path")
                gemini.hear({name: value for name, value in asked.items() if name != "model"}, heard, self.server.opaque)
                call["heard"] = heard
                return self._whole(200, {"totalTokens": COUNTED_TOKENS, "promptTokensDetails": [{"modality": "TEXT", "tokenCount": COUNTED_TOKENS}]})
            case verb:
                return self._whole(200, other.gemini_embeddings(body, model, verb == "batchEmbedContents"))

    def _refuse(self, kind, status, message, param, code, call):
        call["status"] = status
        message = message or MESSAGES[status]
        headers = {"retry-after": "1"} if status == 429 and kind != "gemini" else {}
        self._whole(*_refusal(kind, status, message, param, code), headers=headers)

    def _whole(self, status, body, headers=None, cut=False):
        data = json.dumps(body, ensure_ascii=False).encode()
        self.send_response(status)
        headers = {"content-type": "application/json", "request-id": "req_mock", "x-request-id": "req_mock"} | (headers or {})
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        if cut:
            self.wfile.write(data[: len(data) // 2])
            return self._reset()
        self.wfile.write(data)

    def _stream(self, kind, said, heard, events, size):
        fate = said.fate if said else None
        if fate:
            events = events[: len(events) // 2]
            events += WORDS[kind].broken(heard, events[0][1]) if fate == "error" else []
        frames = [_frame(kind, name, data) for name, data in events]
        if kind == "openai":
            frames.insert(0, b": the mock is thinking\n\n")
        if size:
            whole = b"".join(frames)
            frames = [whole[at : at + size] for at in range(0, len(whole), size)]
        self.send_response(200)
        self.send_header("content-type", "text/event-stream; charset=utf-8" if kind != "gemini" else "text/event-stream")
        self.send_header("request-id", "req_mock")
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        for frame in frames:
            self.wfile.write(b"%x\r\n%s\r\n" % (len(frame), frame))
            self.wfile.flush()
        if fate == "cut":
            time.sleep(0.05)
            return self._reset()
        self.wfile.write(b"0\r\n\r\n")

    def _reset(self):
        self.wfile.flush()
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()


def _frame(kind, name, data):
    if name == "raw":
        return data.encode()
    text = data if isinstance(data, str) else json.dumps(data, ensure_ascii=False)
    match kind:
        case "gemini":
            return f"data: {text}\r\n\r\n".encode()
        case "volces":
            # No space: Ark does not write one.
            return f"data:{text}\n\n".encode()
        case "openai":
            return f"data: {text}\n\n".encode()
        case _:
            return f"event: {name}\ndata: {text}\n\n".encode()


def _refusal(kind, status, message, param, code):
    """Status and body of a refusal, in the provider's own words."""
    match kind:
        case "anthropic":
            types = {401: "authentication_error", 403: "permission_error", 404: "not_found_error", 429: "rate_limit_error", 500: "api_error", 503: "overloaded_error"}
            error = {"type": types.get(status, "invalid_request_error"), "message": message}
            return 529 if status == 503 else status, {"type": "error", "error": error, "request_id": "req_mock"}
        case "gemini":
            if status == 401:
                status, message = 400, f"API key not valid, {SAYS}. Please pass a valid API key."
            words = {400: "INVALID_ARGUMENT", 403: "PERMISSION_DENIED", 404: "NOT_FOUND", 429: "RESOURCE_EXHAUSTED", 500: "INTERNAL", 503: "UNAVAILABLE"}
            error = {"code": status, "message": message, "status": words[status]}
            if "API key not valid" in message:
                error["details"] = [{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID", "domain": "googleapis.com"}]
            if status == 429:
                violation = {"quotaMetric": "requests", "quotaId": "GenerateRequestsPerMinutePerProjectPerModel"}
                error["details"] = [
                    {"@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": [violation]},
                    {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "1s"},
                ]
            return status, {"error": error}
        case "volces" | "ark":
            codes = {400: "InvalidParameter", 401: "AuthenticationError", 403: "AccessDenied", 429: "RateLimitExceeded.EndpointRPMExceeded", 500: "InternalServiceError", 503: "ServerOverloaded"}
            types = {400: "BadRequest", 401: "Unauthorized", 403: "Forbidden", 429: "TooManyRequests", 500: "InternalServerError", 503: "ServiceUnavailable"}
            error = {"code": codes.get(status, code), "message": f"{message} Request id: 021", "param": param or "", "type": types.get(status, "")}
            return status, {"error": error}
        case _:
            types = {429: "requests", 500: "server_error", 503: "service_unavailable_error"}
            codes = {401: "invalid_api_key", 429: "rate_limit_exceeded", 503: "server_is_overloaded"}
            return status, {"error": {"message": message, "type": types.get(status, "invalid_request_error"), "param": param, "code": code or codes.get(status)}}


def _plain(heard):
    if heard is None:
        return None
    plain = asdict(heard)
    return plain | {"images": [(kind, len(data)) for kind, data in heard.images]}
