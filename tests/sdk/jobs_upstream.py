"""An upstream with many jobs, for `jobs_killed.py` and `jobs_waiting.py`: lean enough for ten thousand of them, in a process of its own.

    POST /v1/videos …                     OpenAI's shape
    POST /api/v3/contents/generations/tasks …   Ark's shape, which can list jobs
    GET  /told                            what it saw, as JSON: see `told`

A prompt is `NAME seconds=S`: the name tells who asked, and nothing else of a request is looked at. Every file ends with a box that holds the
job's id, so that no two are alike; with `bytes=N` in the prompt a box of zeros makes it about so long. `python3 jobs_upstream.py PORT PAUSE_S` runs it: a new job is told of after
some part of the pause, though it has begun.
"""

import asyncio
import json
import random
import re
import struct
import sys
import time
from urllib.parse import parse_qs, urlsplit

from mocks.media.files import CLIP

PROMPT = re.compile(rb"(job-[\w-]+) seconds=([\d.]+)(?: bytes=(\d+))?")
OPENAI_STATES = {"queued": "queued", "running": "in_progress", "succeeded": "completed"}


PIECE = bytes(1 << 18)


def file_of(id):
    """The clip with a box of free space that names the job."""
    return CLIP + struct.pack(">I4s", 8 + len(id), b"free") + id.encode()


def long_file_of(id, size):
    """The length of that file with another box, of so many zeros, and its pieces."""
    whole = file_of(id) + struct.pack(">I4sQ", 1, b"free", 16 + size)

    def pieces():
        yield whole
        for _ in range(size // len(PIECE)):
            yield PIECE
        yield bytes(size % len(PIECE))

    return len(whole) + size, pieces()


class Job:
    __slots__ = ("id", "name", "prompt", "model", "begun", "due", "polls", "last_poll", "gap", "seen_done", "fetches", "size")

    def __init__(self, id, name, prompt, model, seconds, size):
        self.id, self.name, self.prompt, self.model, self.size = id, name, prompt, model, size
        self.begun = time.time()
        self.due = self.begun + seconds
        self.polls = self.fetches = 0
        self.last_poll = self.begun
        # The longest wait between two polls, and when a poll first said that it is done.
        self.gap, self.seen_done = 0.0, None

    def state(self, now):
        return "succeeded" if now >= self.due else "running" if now - self.begun > 0.2 * (self.due - self.begun) else "queued"

    def poll(self):
        now = time.time()
        self.polls += 1
        self.gap, self.last_poll = max(self.gap, now - self.last_poll), now
        if now >= self.due and self.seen_done is None:
            self.seen_done = now
        return now


class Upstream:
    def __init__(self, pause_s=0.0):
        self.jobs, self.port, self.requests, self.pause_s = {}, None, 0, pause_s

    def told(self):
        """For each job: who asked, when it was due, when a poll first saw that, polls, the longest wait between two, fetches."""
        rows = [[job.id, job.name, job.begun, job.due, job.seen_done, job.polls, job.gap, job.fetches] for job in self.jobs.values()]
        return {"requests": self.requests, "jobs": rows}

    def submit(self, body, prefix):
        found = PROMPT.search(body)
        model = re.search(rb'"model": ?"([^"]+)"|name="model"\r\n\r\n([^\r]+)', body)
        name = (model[1] or model[2]).decode() if model else ""
        job = Job(f"{prefix}{len(self.jobs):06d}", found[1].decode(), found[0].decode(), name, float(found[2]), int(found[3] or 0))
        self.jobs[job.id] = job
        return job

    def openai(self, job, now):
        state, share = job.state(now), min(1.0, (now - job.begun) / (job.due - job.begun))
        shown = {"id": job.id, "object": "video", "model": job.model, "status": OPENAI_STATES[state], "progress": int(100 * share)}
        return shown | {"created_at": int(job.begun), "seconds": "4", "size": "1280x720", "prompt": job.prompt, "error": None}

    def ark(self, job, now):
        state = job.state(now)
        shown = {"id": job.id, "model": job.model, "status": state, "created_at": int(job.begun), "updated_at": int(now)}
        if state != "succeeded":
            return shown
        url = f"http://127.0.0.1:{self.port}/files/{job.id}.mp4?sig=a%7Eb"
        facts = {"resolution": "720p", "ratio": "16:9", "duration": 4, "framespersecond": 24, "generate_audio": True}
        return shown | facts | {"content": {"video_url": url}, "usage": {"completion_tokens": 87300, "total_tokens": 87300}}

    def answer(self, method, target, body):
        """Status, media type, body: bytes, or a length with its pieces."""
        self.requests += 1
        split = urlsplit(target)
        parts = split.path.strip("/").split("/")
        match method, parts:
            case "GET", ["told"]:
                return self._json(self.told())
            case "POST", ["v1", "videos"]:
                return self._json(self.openai(self.submit(body, "video_"), time.time()))
            case "GET", ["v1", "videos"]:
                return self._json(self._videos(parse_qs(split.query)))
            case "GET", ["v1", "videos", id] if id in self.jobs:
                return self._json(self.openai(self.jobs[id], self.jobs[id].poll()))
            case "GET", ["v1", "videos", id, "content"] if id in self.jobs:
                return self._file(id)
            case "POST", ["api", "v3", "contents", "generations", "tasks"]:
                return self._json({"id": self.submit(body, "cgt-").id})
            case "GET", ["api", "v3", "contents", "generations", "tasks"]:
                return self._json(self._page(parse_qs(split.query)))
            case "GET", ["api", "v3", "contents", "generations", "tasks", id] if id in self.jobs:
                return self._json(self.ark(self.jobs[id], self.jobs[id].poll()))
            case "DELETE", ["api", "v3", "contents", "generations", "tasks", id] if id in self.jobs:
                return self._json({"error": {"code": "InvalidAction.RunningTaskDeletion", "message": "running"}}, 409)
            case "GET", ["files", name] if name.removesuffix(".mp4") in self.jobs:
                return self._file(name.removesuffix(".mp4"))
        return self._json({"error": {"code": "not_found", "message": f"no {method} {target}"}}, 404)

    def _videos(self, query):
        limit, jobs, now = int(query.get("limit", ["20"])[0]), list(reversed(self.jobs.values())), time.time()
        if after := query.get("after"):
            jobs = jobs[[job.id for job in jobs].index(after[0]) + 1 :]
        return {"object": "list", "data": [self.openai(job, now) for job in jobs[:limit]], "has_more": len(jobs) > limit}

    def _page(self, query):
        size, page = int(query.get("page_size", ["10"])[0]), int(query.get("page_num", ["1"])[0])
        now = time.time()
        jobs = [job for job in reversed(self.jobs.values()) if query.get("filter.model", [job.model])[0] == job.model]
        jobs = [job for job in jobs if query.get("filter.status", [job.state(now)])[0] == job.state(now)]
        if wanted := query.get("filter.task_ids"):
            jobs = [job for job in jobs if job.id in ",".join(wanted).split(",")]
        return {"total": len(jobs), "items": [self.ark(job, now) for job in jobs[(page - 1) * size : page * size]]}

    def _file(self, id):
        self.jobs[id].fetches += 1
        size = self.jobs[id].size
        return 200, "video/mp4", long_file_of(id, size) if size else file_of(id)

    def _json(self, value, status=200):
        return status, "application/json", json.dumps(value).encode()


class Connection(asyncio.Protocol):
    """HTTP/1.1 as our gateway writes it: a length or chunks, one request after the other."""

    def __init__(self, upstream):
        self.upstream, self.buffer = upstream, b""
        self.free = asyncio.Event()
        self.free.set()

    def connection_made(self, transport):
        self.transport = transport

    def pause_writing(self):
        self.free.clear()

    def resume_writing(self):
        self.free.set()

    def connection_lost(self, _):
        self.free.set()

    def data_received(self, data):
        self.buffer += data
        while (request := self._request()) is not None:
            status, media_type, body = self.upstream.answer(*request)
            length, pieces = (len(body), None) if isinstance(body, bytes) else body
            if request[0] == "POST" and self.upstream.pause_s:
                # Our caller asks nothing else on this connection meanwhile.
                asyncio.get_running_loop().call_later(random.uniform(0, self.upstream.pause_s), self._say, status, media_type, length, body)
                continue
            self._say(status, media_type, length, body if pieces is None else b"")
            if pieces is not None:
                self.sending = asyncio.create_task(self._send(pieces))

    def _say(self, status, media_type, length, body):
        if not self.transport.is_closing():
            head = f"HTTP/1.1 {status} X\r\ncontent-type: {media_type}\r\ncontent-length: {length}\r\nx-request-id: r\r\n\r\n"
            self.transport.write(head.encode() + body)

    async def _send(self, pieces):
        for piece in pieces:
            await self.free.wait()
            if self.transport.is_closing():
                return
            self.transport.write(piece)

    def _request(self):
        """The next whole request, or None if there is none yet."""
        head, split, rest = self.buffer.partition(b"\r\n\r\n")
        if not split:
            return None
        lines = head.decode("latin-1").split("\r\n")
        method, target, _ = lines[0].split(" ")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}
        if headers.get("transfer-encoding", "").lower() == "chunked":
            body = b""
            while True:
                size, split, rest = rest.partition(b"\r\n")
                if not split or len(rest) < int(size.split(b";")[0], 16) + 2:
                    return None
                size = int(size.split(b";")[0], 16)
                body, rest = body + rest[:size], rest[size + 2 :]
                if size == 0:
                    break
        else:
            length = int(headers.get("content-length", 0))
            if len(rest) < length:
                return None
            body, rest = rest[:length], rest[length:]
        self.buffer = rest
        return method, target, body


async def serve(port, pause_s):
    upstream = Upstream(pause_s)
    server = await asyncio.get_running_loop().create_server(lambda: Connection(upstream), "127.0.0.1", port, backlog=4096)
    upstream.port = server.sockets[0].getsockname()[1]
    print(upstream.port, flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]) if len(sys.argv) > 1 else 0, float(sys.argv[2]) if len(sys.argv) > 2 else 0.0))
