"""A video of 2 GB through the gateway: from its upstream into the folder or bucket of assets, and out to a caller, byte for byte.

    target/sdk-python/bin/python tests/sdk/jobs_large.py              2 GB; the folder of assets is on the disk of the temporary folder
    … --bytes 100000000                                               smaller

The gateway's memory is read from /proc every tenth of a second: at most 100 MB more than when it was idle. Settings of the gateway (a bucket's,
a larger limit of files) are taken from the environment, by names that begin with EASYAI_.
"""

import argparse
import hashlib
import os
import sys
import threading
import time
import urllib.request

from jobs_stage import OVER, Jobs, cpu_s, memory_mb
from jobs_upstream import long_file_of

MAX_MORE_MB = 100
PATIENCE_S = 900
READ = 1 << 20


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--bytes", type=int, default=2 << 30)
    arguments.add_argument("--provider", choices=["openai", "volces"], default="openai")
    given = arguments.parse_args()
    settings = {name: value for name, value in os.environ.items() if name.startswith("EASYAI_") and name != "EASYAI_BIN"}
    with Jobs(given.provider, settings=settings) as jobs:
        jobs.start()
        time.sleep(1)
        pid, idle = jobs.process.pid, memory_mb(jobs.process.pid)
        most, over = [idle], threading.Event()
        threading.Thread(target=_watch, args=(pid, most, over), daemon=True).start()
        begun, cpu = time.monotonic(), cpu_s(pid)
        id = jobs.make("job-large", 0.5, f" bytes={given.bytes}")
        while (task := jobs.call(f"/api/v1/tasks/{id}"))["status"] not in OVER:
            assert time.monotonic() - begun < PATIENCE_S, task
            time.sleep(0.2)
        assert task["status"] == "succeeded", task["error"]
        home = most[0]
        print(f"home after {time.monotonic() - begun:.1f} s, {cpu_s(pid) - cpu:.1f} s of CPU; memory {idle:.0f} MB idle, {home:.0f} MB at most", flush=True)
        begun, cpu = time.monotonic(), cpu_s(pid)
        length, got = _load(task["result"]["assets"][0]["url"])
        over.set()
        print(f"out after {time.monotonic() - begun:.1f} s, {cpu_s(pid) - cpu:.1f} s of CPU; memory {most[0]:.0f} MB at most")
        job = jobs.told()[0][0]
    wrong = [f"{most[0] - idle:.0f} MB more than idle, at most {MAX_MORE_MB} were wanted"] if most[0] - idle > MAX_MORE_MB else []
    wrong += ["it came out as another file"] if (length, got) != _expected(job["id"], given.bytes) else []
    wrong += [f"it was fetched {job['fetches']} times"] if job["fetches"] != 1 else []
    for line in wrong:
        print(f"WRONG {line}")
    return 1 if wrong else 0


def _watch(pid, most, over):
    while not over.wait(0.1):
        most[0] = max(most[0], memory_mb(pid))


def _load(url):
    hashed, length = hashlib.sha256(), 0
    with urllib.request.urlopen(url, timeout=60) as answer:
        while piece := answer.read(READ):
            hashed.update(piece)
            length += len(piece)
    return length, hashed.hexdigest()


def _expected(id, size):
    length, pieces = long_file_of(id, size)
    hashed = hashlib.sha256()
    for piece in pieces:
        hashed.update(piece)
    return length, hashed.hexdigest()


if __name__ == "__main__":
    sys.exit(main())
