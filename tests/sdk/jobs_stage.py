"""What `jobs_killed.py` and `jobs_waiting.py` stand on: the upstream of many jobs in its own process, a gateway that may be killed and started
again on the same folder and port, and the API by hand."""

import http.client
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor

from stage import EASYAI, _quiet, free_port

HERE = pathlib.Path(__file__).parent
PRICE, SECONDS = "0.10", 4
CHARGE = "0.4"
OVER = ("succeeded", "failed", "cancelled")
CREATORS = 8
READY_S = 60
TICKS = os.sysconf("SC_CLK_TCK")

CATALOGUE = """
[[platform]]
name = "many"
provider = "{provider}"
base_url = "{url}"
credentials = [{{ secret = "the-operators-own-secret" }}]

[[model]]
name = "video"

[[platform_model]]
platform = "many"
model = "video"
upstream_name = "{upstream}"
model_types = ["video_generate", "image_to_video"]
price = {{ per_second = "{price}" }}
"""
SHAPES = {"openai": ("/v1", "sora-2"), "volces": ("/api/v3", "doubao-seedance-1-5-pro-251215")}


class Jobs:
    """A context. `database` is a URL of PostgreSQL; without it SQLite serves. `pause_s` is how long the upstream thinks at most before it says
    that it took a job on."""

    def __init__(self, provider, database=None, settings=None, pause_s=0):
        self.provider, self.port, self.pause_s = provider, free_port(), pause_s
        self.settings = {"EASYAI_EGRESS_ALLOW_PRIVATE": "true"} | (settings or {})
        if database:
            self.settings["EASYAI_DATABASE_URL"] = database
        self.process = None

    def __enter__(self):
        self._folder = tempfile.TemporaryDirectory(prefix="easyai-jobs-")
        self.folder = pathlib.Path(self._folder.name)
        self.data, self.log = self.folder / "data", self.folder / "log"
        self._upstream = subprocess.Popen([sys.executable, str(HERE / "jobs_upstream.py"), "0", str(self.pause_s)], stdout=subprocess.PIPE, text=True)
        self.upstream = f"http://127.0.0.1:{int(self._upstream.stdout.readline())}"
        path, name = SHAPES[self.provider]
        catalogue = self.folder / "catalog.toml"
        catalogue.write_text(CATALOGUE.format(provider=self.provider, url=self.upstream + path, upstream=name, price=PRICE))
        self.easyai("apply", "-f", str(catalogue))
        self.easyai("account", "create", "jobs")
        self.easyai("account", "top-up", "jobs", "100000")
        self.key = json.loads(self.easyai("--json", "key", "create", "--account", "jobs"))["key"]
        return self

    def __exit__(self, *_):
        self.stop(signal.SIGTERM)
        self._upstream.terminate()
        self._upstream.wait(10)
        self._folder.cleanup()

    def easyai(self, *arguments):
        command = [str(EASYAI), "--data", str(self.data), *arguments]
        run = subprocess.run(command, capture_output=True, text=True, timeout=300, env=_quiet() | self.settings)
        assert run.returncode == 0, f"{arguments}: {run.stdout}{run.stderr}"
        return run.stdout

    def start(self):
        command = [str(EASYAI), "--data", str(self.data), "serve", "--listen", f"127.0.0.1:{self.port}"]
        with self.log.open("a") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, env=_quiet() | self.settings)
        end = time.monotonic() + READY_S
        while True:
            assert self.process.poll() is None, f"it ended by itself: {self.log.read_text()[-4000:]}"
            try:
                urllib.request.urlopen(f"{self.url}/readyz", timeout=5).close()
                return
            except OSError:
                assert time.monotonic() < end, f"not ready: {self.log.read_text()[-4000:]}"
                time.sleep(0.02)

    def stop(self, how=signal.SIGKILL):
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(how)
            self.process.wait(90)

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def call(self, path, method="GET", body=None, headers=None):
        headers = {"authorization": f"Bearer {self.key}", "content-type": "application/json"} | (headers or {})
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data=data, method=method, headers=headers)
        with urllib.request.urlopen(request, timeout=30) as response:
            return json.loads(response.read())

    def make(self, name, seconds, words="", **more):
        """Makes a task, however often the gateway dies meanwhile: the same key makes the same one."""
        body = {"kind": "videos.generations", "model": "video", "prompt": f"{name} seconds={seconds}{words}", "seconds": str(SECONDS), "size": "1280x720"}
        while True:
            try:
                return self.call("/api/v1/tasks", "POST", body | more, {"idempotency-key": name})["id"]
            except urllib.error.HTTPError as failure:
                text = failure.read().decode()
                assert failure.code in (409, 429, 502, 503), f"{failure.code}: {text}"
            except (OSError, ValueError, http.client.HTTPException):
                # Dead, or cut off in the middle of an answer.
                pass
            time.sleep(0.1)

    def make_all(self, names, rate, seconds_of, more_of=lambda name: {}):
        """Makes all of them in the background, so many in a second; a future for each name that gives its id."""
        begun = time.monotonic()

        def one(at, name):
            pause = begun + at / rate - time.monotonic()
            if pause > 0:
                time.sleep(pause)
            return self.make(name, seconds_of(name), **more_of(name))

        pool = ThreadPoolExecutor(CREATORS)
        made = {name: pool.submit(one, at, name) for at, name in enumerate(names)}
        pool.shutdown(wait=False)
        return made

    def tasks(self):
        """All tasks, by pages."""
        listed, cursor = [], ""
        while cursor is not None:
            page = self.call(f"/api/v1/tasks?limit=500{cursor and '&cursor=' + cursor}")
            listed, cursor = listed + page["data"], page["next_cursor"]
        return listed

    def told(self):
        """What the upstream saw: a dict for each job."""
        with urllib.request.urlopen(f"{self.upstream}/told", timeout=30) as response:
            told = json.loads(response.read())
        fields = ("id", "name", "begun", "due", "seen_done", "polls", "gap", "fetches")
        return [dict(zip(fields, row)) for row in told["jobs"]], told["requests"]


def memory_mb(pid):
    """What a process has in memory."""
    with open(f"/proc/{pid}/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS")) / 1024


def cpu_s(pid):
    """What it has computed."""
    with open(f"/proc/{pid}/stat") as stat:
        fields = stat.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))
