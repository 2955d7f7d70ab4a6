"""One request to a mock as its protocol's module sees it, and what it answers."""

import json
import time
from dataclasses import dataclass, field

from mocks.check import Refused
from mocks.media.directives import directives
from mocks.media.form import read_form
from mocks.media.jobs import Job


@dataclass
class Answer:
    """A list, or what gives pieces, as `body` is sent chunk by chunk. `reset` breaks the connection instead of answering."""

    body: object = b""
    media_type: str = "application/json"
    status: int = 200
    headers: dict = field(default_factory=dict)
    reset: bool = False


def as_file(job, data, media_type):
    """A job's file, spoiled if its prompt wants that."""
    match job.fetch():
        case "no-file":
            return Answer(b"try again later", "text/plain", 503)
        case "expired":
            return Answer(b"<Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>", "application/xml", 403)
        case "not-ready" | "not-yet" as word:
            return as_json({"detail": "the file is not ready"}, status=409 if word == "not-ready" else 422)
        case "inwards":
            return Answer(b"", "text/html", 302, {"location": "http://169.254.169.254/latest/meta-data/iam"})
        case "short":
            return Answer(data[: len(data) // 2], media_type, headers={"content-length": str(len(data)), "connection": "close"})
        case "web-page":
            return Answer(b"<!DOCTYPE html><html><body>Sign in, please.</body></html>", media_type)
        case "empty":
            return Answer(b"", media_type)
        case "drip":
            return Answer(_drops(data), media_type)
    return Answer(data, media_type)


def _drops(data):
    for byte in data:
        yield bytes([byte])
        time.sleep(1)


def as_json(body, status=200, **headers):
    return Answer(json.dumps(body, ensure_ascii=False).encode(), status=status, headers={name.replace("_", "-"): value for name, value in headers.items()})


def as_events(events, spaced=True):
    """Server-sent events; each is a dict named by its `type`, or text."""
    frames = []
    for event in events:
        if isinstance(event, str):
            frames.append(f"data: {event}\n\n".encode())
        else:
            data = json.dumps(event, ensure_ascii=False)
            frames.append(f"event: {event['type']}\ndata:{' ' if spaced else ''}{data}\n\n".encode())
    return Answer(frames, "text/event-stream; charset=utf-8")


@dataclass
class Ask:
    mocks: object
    kind: str
    method: str
    path: str
    groups: tuple
    query: dict
    headers: dict
    body: bytes
    # What was understood, for tests.
    heard: dict = field(default_factory=dict)

    @property
    def is_form(self):
        return self.headers.get("content-type", "").startswith("multipart/form-data")

    def json(self):
        if not self.headers.get("content-type", "").startswith("application/json"):
            raise Refused(f"Unsupported content type: '{self.headers.get('content-type')}'. This API method only accepts 'application/json' requests.", status=415 if self.kind == "openai" else 400)
        try:
            body = json.loads(self.body)
        except ValueError as bad:
            raise Refused(f"We could not parse the JSON body of your request: {bad}") from bad
        if not isinstance(body, dict):
            raise Refused("the body must be an object")
        return body

    def form(self):
        return read_form(self.headers.get("content-type", ""), self.body)

    def hear(self, **facts):
        self.heard.update(facts)
        self.heard["words"] = words = directives(facts.get("prompt"))
        return words

    def submit(self, id, prompt, facts):
        """A new job, as its prompt wants it."""
        words = directives(prompt)
        seconds = self.mocks.job_seconds if words.get("seconds") is None else words["seconds"]
        self.heard["job"] = id
        return self.mocks.jobs.submit(Job(id, self.kind, prompt, seconds, words, facts))

    def wait(self, words):
        """For what answers at once: as long as the prompt says."""
        if words.get("seconds"):
            time.sleep(words["seconds"])
