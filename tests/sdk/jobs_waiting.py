"""Lets ten thousand video tasks wait at once, and measures what that costs the gateway.

    python3 tests/sdk/jobs_waiting.py                                   10,000 tasks of 180 s, SQLite
    .ci/with-postgres python3 tests/sdk/jobs_waiting.py --postgres      the same on PostgreSQL
    … --tasks 500 --seconds 20                                          smaller

It runs under `target/sdk-python/bin/python`, best with a release build (`EASYAI_BIN`). Memory and CPU are read from /proc while all of them wait:
from the moment the last was accepted until the first is due. Aims: memory under 300 MB, under 20 % of a core, and each task over within two
of its poll intervals after its job's end. A job's poll interval is the longest wait between two questions about it that the upstream saw.
"""

import argparse
import os
import resource
import sys
import time
from collections import Counter
from datetime import datetime

from jobs_stage import OVER, Jobs, cpu_s, descriptors, memory_mb

MAX_MB, MAX_CORE = 300, 0.20
# Beside two intervals: the clip's way home, its settlement, clocks that differ by a rounding.
GRACE_S = 1.0


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--tasks", type=int, default=10_000)
    arguments.add_argument("--seconds", type=float, default=180, help="how long the first jobs take, from the end of the submissions on")
    arguments.add_argument("--spread", type=float, default=30, help="within so many seconds all of them end")
    arguments.add_argument("--rate", type=float, default=100, help="tasks made in a second, at most")
    arguments.add_argument("--provider", choices=["openai", "volces"], default="openai")
    arguments.add_argument("--postgres", nargs="?", const=os.environ.get("EASYAI_TEST_POSTGRES_URL"))
    given = arguments.parse_args()
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    with Jobs(given.provider, given.postgres) as jobs:
        jobs.start()
        idle = memory_mb(jobs.process.pid)
        print(f"idle: {idle:.0f} MB", flush=True)
        due, names = _make(jobs, given)
        _wait_for_submissions(jobs, given)
        wrong, sample = _measure(jobs, due)
        print(sample, flush=True)
        wrong += _finish(jobs, given, names)
        print(jobs.easyai("ledger", "verify").strip())
        if wrong:
            sys.stderr.write(jobs.log.read_text()[-3000:])
    for line in wrong[:30]:
        print(f"WRONG {line}")
    return 1 if wrong else 0


def _make(jobs, given):
    """Makes them so that all are due at about the same time, those made first included. When the first is, and each task's job by its id."""
    begun = time.monotonic()
    due = begun + given.tasks / given.rate + given.seconds

    def seconds_of(name):
        return round(due - time.monotonic() + given.spread * int(name.removeprefix("job-")) / given.tasks, 2)

    made = jobs.make_all([f"job-{at:05d}" for at in range(given.tasks)], given.rate, seconds_of)
    names = {future.result(): name for name, future in made.items()}
    print(f"{len(names)} tasks made in {time.monotonic() - begun:.0f} s", flush=True)
    return due, names


def _wait_for_submissions(jobs, given):
    while (there := len(jobs.told()[0])) < given.tasks:
        print(f"{there} submitted", flush=True)
        time.sleep(2)


def _measure(jobs, due):
    """Memory and CPU while all wait, up to two seconds before the first is due."""
    pid, wrong, memory = jobs.process.pid, [], []
    asked, cpu, begun = jobs.told()[1], cpu_s(pid), time.monotonic()
    while time.monotonic() < due - 2:
        memory.append(memory_mb(pid))
        time.sleep(1)
    took = time.monotonic() - begun
    if took < 5:
        return [f"only {took:.0f} s were left to measure: use more --seconds"], ""
    core, polls = (cpu_s(pid) - cpu) / took, (jobs.told()[1] - asked) / took
    wrong += [f"{max(memory):.0f} MB, at most {MAX_MB} were wanted"] if max(memory) > MAX_MB else []
    wrong += [f"{core:.1%} of a core, at most {MAX_CORE:.0%} was wanted"] if core > MAX_CORE else []
    return wrong, f"waiting for {took:.0f} s: {max(memory):.0f} MB at most, {core:.1%} of a core, {polls:.0f} polls/s, {descriptors(pid)} descriptors"


def _finish(jobs, given, names):
    end = time.monotonic() + given.spread + 300
    while True:
        tasks = jobs.tasks()
        states = Counter(task["status"] for task in tasks)
        if sum(states[state] for state in OVER) == len(tasks):
            break
        if time.monotonic() > end:
            return [f"not over: {dict(states)}"]
        time.sleep(2)
    wrong = [f"{dict(states)}"] if states["succeeded"] != given.tasks else []
    by_name, lags = {job["name"]: job for job in jobs.told()[0]}, []
    for task in tasks:
        job = by_name[names[task["id"]]]
        lags.append(datetime.fromisoformat(task["finished_at"]).timestamp() - job["due"])
        if lags[-1] > 2 * job["gap"] + GRACE_S:
            wrong.append(f"{task['id']}: over {lags[-1]:.1f} s after its job, which was polled every {job['gap']:.1f} s at most")
    gaps = sorted(job["gap"] for job in by_name.values())
    print(f"lag after a job's end: {_spread(sorted(lags))}; interval between polls: {_spread(gaps)}")
    return wrong


def _spread(numbers):
    return f"p50 {numbers[len(numbers) // 2]:.1f} s, p99 {numbers[len(numbers) * 99 // 100]:.1f} s, most {numbers[-1]:.1f} s"


if __name__ == "__main__":
    sys.exit(main())
