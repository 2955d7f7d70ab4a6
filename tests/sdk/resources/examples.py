"""An upstream that takes any call of OpenAI's API for text and answers with an example by its schema, as a mock made from the API's
description would. It checks nothing: openai-python's own tests send what no provider would take."""

import json
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

CHAT_USAGE = {"prompt_tokens": 9, "completion_tokens": 3, "total_tokens": 12}
CHAT_FRAME = {"id": "chatcmpl-1", "created": 1_760_000_000, "model": "gpt-6-astra"}
CHAT = CHAT_FRAME | {
    "object": "chat.completion",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hi", "refusal": None}, "logprobs": None, "finish_reason": "stop"}],
    "usage": CHAT_USAGE,
}
CHUNK = CHAT_FRAME | {"object": "chat.completion.chunk"}
MESSAGE = {"id": "msg_1", "role": "assistant", "content": "Hi", "refusal": None}
OUTPUT = {"id": "msg_1", "type": "message", "role": "assistant", "status": "completed"}
RESPONSE_USAGE = {
    "input_tokens": 9,
    "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
    "output_tokens": 3,
    "output_tokens_details": {"reasoning_tokens": 0},
    "total_tokens": 12,
}
RESPONSE = {
    "id": "resp_1",
    "object": "response",
    "created_at": 1_760_000_000,
    "status": "completed",
    "error": None,
    "incomplete_details": None,
    "instructions": None,
    "metadata": {},
    "model": "gpt-6-astra",
    "output": [OUTPUT | {"content": [{"type": "output_text", "text": "Hi", "annotations": [], "logprobs": []}]}],
    "parallel_tool_calls": True,
    "temperature": 1.0,
    "tool_choice": "auto",
    "tools": [],
    "top_p": 1.0,
    "usage": RESPONSE_USAGE,
}
COMPACTED = [{"id": "cmp_1", "type": "compaction", "encrypted_content": "x"}]
MODEL = {"id": "gpt-6-astra", "object": "model", "created": 1_760_000_000, "owned_by": "openai"}
MODERATED = "harassment harassment/threatening hate hate/threatening illicit illicit/violent self-harm self-harm/instructions self-harm/intent sexual sexual/minors violence violence/graphic".split()
MODERATION = {
    "flagged": False,
    "categories": dict.fromkeys(MODERATED, False),
    "category_scores": dict.fromkeys(MODERATED, 0.001),
    "category_applied_input_types": dict.fromkeys(MODERATED, ["text"]),
}
COMPLETION = {"id": "cmpl-1", "object": "text_completion", "created": 1_760_000_000, "model": "gpt-3.5-turbo-instruct"}


def page(*data, **more):
    return {"object": "list", "data": list(data), "first_id": data[0]["id"], "last_id": data[-1]["id"], "has_more": False} | more


def chat(body, _):
    if not body.get("stream"):
        return CHAT
    delta = [{"role": "assistant", "content": ""}, {"content": "Hi"}, {}]
    chunks = [CHUNK | {"choices": [{"index": 0, "delta": each, "logprobs": None, "finish_reason": "stop" if each == {} else None}]} for each in delta]
    usage = [CHUNK | {"choices": [], "usage": CHAT_USAGE}] if (body.get("stream_options") or {}).get("include_usage") else []
    return [(None, each) for each in [*chunks, *usage, "[DONE]"]]


def response(body, query):
    if not body.get("stream") and query.get("stream") != ["true"]:
        return RESPONSE
    begun = RESPONSE | {"status": "in_progress", "output": [], "usage": None}
    at, part = {"item_id": "msg_1", "output_index": 0, "content_index": 0}, RESPONSE["output"][0]["content"][0]
    steps = [
        ("response.created", {"response": begun}),
        ("response.in_progress", {"response": begun}),
        ("response.output_item.added", {"output_index": 0, "item": OUTPUT | {"status": "in_progress", "content": []}}),
        ("response.content_part.added", at | {"part": part | {"text": ""}}),
        ("response.output_text.delta", at | {"delta": "Hi", "logprobs": []}),
        ("response.output_text.done", at | {"text": "Hi", "logprobs": []}),
        ("response.content_part.done", at | {"part": part}),
        ("response.output_item.done", {"output_index": 0, "item": RESPONSE["output"][0]}),
        ("response.completed", {"response": RESPONSE}),
    ]
    return [(kind, {"type": kind, "sequence_number": number} | more) for number, (kind, more) in enumerate(steps)]


def completion(body, _):
    choice = {"index": 0, "text": "Hi", "logprobs": None, "finish_reason": "stop"}
    if body.get("stream"):
        return [(None, COMPLETION | {"choices": [choice]}), (None, "[DONE]")]
    return COMPLETION | {"choices": [choice], "usage": CHAT_USAGE}


def embeddings(body, _):
    # Numbers even if base64 is asked for, as the description has it: the SDK's strict validation knows nothing else.
    data = [{"object": "embedding", "index": 0, "embedding": [0.5]}]
    return {"object": "list", "model": body.get("model"), "data": data, "usage": {"prompt_tokens": 9, "total_tokens": 9}}


def always(answer):
    return lambda *_: answer


ROUTES = [
    ("POST", "/chat/completions", chat),
    ("GET", "/chat/completions", always(page(CHAT))),
    ("GET|POST", "/chat/completions/[^/]+", always(CHAT)),
    ("DELETE", "/chat/completions/[^/]+", always({"id": "chatcmpl-1", "object": "chat.completion.deleted", "deleted": True})),
    ("GET", "/chat/completions/[^/]+/messages", always(page(MESSAGE))),
    ("POST", "/completions", completion),
    ("POST", "/embeddings", embeddings),
    ("POST", "/moderations", always({"id": "modr-1", "model": "omni-moderation-latest", "results": [MODERATION]})),
    ("GET", "/models", always({"object": "list", "data": [MODEL]})),
    ("GET", "/models/[^/]+", always(MODEL)),
    ("DELETE", "/models/[^/]+", always({"id": "gpt-6-astra", "object": "model", "deleted": True})),
    ("POST", "/responses/compact", always({"id": "resp_1", "object": "response.compaction", "created_at": 1_760_000_000, "output": COMPACTED, "usage": RESPONSE_USAGE})),
    ("POST", "/responses/input_tokens", always({"object": "response.input_tokens", "input_tokens": 9})),
    ("POST", "/responses", response),
    ("GET", "/responses/[^/]+", response),
    ("DELETE", "/responses/[^/]+", always({"id": "resp_1", "object": "response", "deleted": True})),
    ("POST", "/responses/[^/]+/cancel", always(RESPONSE)),
    ("GET", "/responses/[^/]+/input_items", always(page({"id": "msg_0", "type": "message", "role": "user", "content": [{"type": "input_text", "text": "Hi"}]}))),
]
ROUTES = [(methods.split("|"), re.compile(f"(?:/v1)?{path}"), answer) for methods, path, answer in ROUTES]


class Examples(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Handler)

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}/v1"

    def start(self):
        threading.Thread(target=self.serve_forever, daemon=True).start()
        return self

    def handle_error(self, request, client_address):
        """Half of the tests close their streams unread."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *_):
        pass

    def _serve(self):
        split = urlsplit(self.path)
        text = self.rfile.read(int(self.headers.get("content-length", 0)))
        for methods, path, answer in ROUTES:
            if self.command in methods and path.fullmatch(split.path):
                return self._answer(200, answer(json.loads(text or b"{}"), parse_qs(split.query)))
        return self._answer(404, {"error": {"message": f"no example for {self.command} {split.path}"}})

    do_GET = do_POST = do_DELETE = _serve

    def _answer(self, status, answer):
        kind, data = "application/json", json.dumps(answer)
        if isinstance(answer, list):
            kind = "text/event-stream"
            named = [(f"event: {name}\n" if name else "", each if isinstance(each, str) else json.dumps(each)) for name, each in answer]
            data = "".join(f"{name}data: {each}\n\n" for name, each in named)
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(data.encode())))
        self.end_headers()
        self.wfile.write(data.encode())
