"""An upstream that answers word for word what a test told it to, and remembers the bytes it got.

A test scripts its answers under a name and puts that name into the standard field `user` of its request:

    PUT  /script/NAME   [{"status": 200, "headers": {…}, "body": "…", "drip": false, "cut": false}, …]
    GET  /seen/NAME     {"bodies": ["…", …], "headers": [{…}, …]}

The answers are given in turn, the last one again and again. `drip` writes every byte in a chunk of its own, `cut` resets the
connection instead of ending the answer. A name without a script gets a 599, so that no test passes by accident.
"""

import json
import socket
import struct
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Upstream(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.lock = threading.Lock()
        self.scripts = {}
        self.seen = {}

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}"

    def start(self):
        threading.Thread(target=self.serve_forever, daemon=True).start()
        return self

    def next_answer(self, name, body, headers):
        with self.lock:
            self.seen.setdefault(name, []).append((body, headers))
            answers = self.scripts.get(name)
            if not answers:
                return {"status": 599, "body": json.dumps({"error": {"message": f"no script for {name!r}"}})}
            return answers.pop(0) if len(answers) > 1 else answers[0]


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

    def do_PUT(self):
        name = self.path.removeprefix("/script/")
        answers = json.loads(self._body())
        with self.server.lock:
            self.server.scripts[name] = answers
            self.server.seen.pop(name, None)
        self._answer({"status": 204, "body": ""})

    def do_GET(self):
        name = self.path.removeprefix("/seen/")
        with self.server.lock:
            seen = list(self.server.seen.get(name, []))
        bodies = [body.decode() for body, _ in seen]
        self._answer({"status": 200, "body": json.dumps({"bodies": bodies, "headers": [headers for _, headers in seen]})})

    def do_POST(self):
        body = self._body()
        name = json.loads(body).get("user", "")
        headers = {key.lower(): value for key, value in self.headers.items()}
        self._answer(self.server.next_answer(name, body, headers))

    def _answer(self, answer):
        body = answer["body"].encode()
        headers = {"content-type": "application/json"} | answer.get("headers", {})
        chunked = answer.get("drip") or answer.get("cut")
        self.send_response(answer.get("status", 200))
        for key, value in headers.items():
            self.send_header(key, value)
        if chunked:
            self.send_header("transfer-encoding", "chunked")
        elif answer.get("status") != 204:
            self.send_header("content-length", str(len(body)))
        self.end_headers()
        if not chunked:
            self.wfile.write(body)
            return
        for piece in [body[at : at + 1] for at in range(len(body))] if answer.get("drip") else [body]:
            self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
            self.wfile.flush()
        if answer.get("cut"):
            self.close_connection = True
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()
        else:
            self.wfile.write(b"0\r\n\r\n")
