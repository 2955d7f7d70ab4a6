"""Jobs that take a while, and the count of who submitted and who asked."""

import threading
import time
from dataclasses import dataclass, field

from mocks.media.directives import SPOILERS

# A job waits for a fifth of its time before it runs.
QUEUED_SHARE = 0.2


@dataclass
class Job:
    id: str
    kind: str
    prompt: str
    seconds: float
    words: dict
    # What its protocol wants to know again.
    facts: dict
    submitted: float = field(default_factory=time.monotonic)
    created_at: int = field(default_factory=lambda: int(time.time()))
    polls: int = 0
    # When it was asked about, since it was submitted.
    polled_at: list = field(default_factory=list)
    fetches: int = 0
    cancelled: bool = False
    deleted: bool = False

    @property
    def share(self):
        """How much of its time has gone, up to 1."""
        return min(1.0, (time.monotonic() - self.submitted) / self.seconds) if self.seconds else 1.0

    @property
    def state(self):
        """queued, running, succeeded, failed or cancelled."""
        if self.cancelled:
            return "cancelled"
        if self.share >= 1:
            return "failed" if "fail" in self.words else "succeeded"
        return "running" if self.share >= QUEUED_SHARE else "queued"

    @property
    def percent(self):
        return int(100 * self.share)

    def poll(self):
        """Counts a poll. What the prompt wants to go wrong with it: `error`, `unknown`, `gone`, or None."""
        self.polls += 1
        self.polled_at.append(time.monotonic() - self.submitted)
        if self.polls <= (self.words.get("poll-errors") or 0):
            return "error"
        if self.polls <= (self.words.get("unknown") or 0):
            return "unknown"
        return "gone" if "gone" in self.words and self.polls > 1 else None

    def fetch(self):
        """Counts a fetch of its file. What the prompt wants to be wrong with it, or None."""
        self.fetches += 1
        for word in SPOILERS:
            if word in self.words and (self.words[word] is None or self.fetches <= self.words[word]):
                return word
        return None


class Jobs:
    def __init__(self):
        self._lock = threading.Lock()
        self._jobs = {}

    def submit(self, job):
        with self._lock:
            self._jobs[job.id] = job
        return job

    def get(self, id):
        """The job, unless it was deleted or never was."""
        with self._lock:
            job = self._jobs.get(id)
        return None if job is None or job.deleted else job

    def all(self, kind):
        """Those that were not deleted, the latest first."""
        with self._lock:
            return [job for job in reversed(self._jobs.values()) if job.kind == kind and not job.deleted]

    def of(self, marker):
        """Every job whose prompt holds `marker`, deleted ones too."""
        with self._lock:
            return [job for job in self._jobs.values() if marker in job.prompt]
