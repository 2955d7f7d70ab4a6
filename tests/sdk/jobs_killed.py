"""Kills the gateway with SIGKILL at random instants while video tasks run, starts it again, and looks whether anything was lost or doubled.

    python3 tests/sdk/jobs_killed.py                                  500 tasks, 12 kills, SQLite, OpenAI's shape
    python3 tests/sdk/jobs_killed.py --provider volces                Ark's shape, which lists jobs
    .ci/with-postgres python3 tests/sdk/jobs_killed.py --postgres     the same on PostgreSQL
    … --tasks 50 --kills 3 --seed 7                                   smaller, and the same again

It runs under `target/sdk-python/bin/python`, which has what it imports. What it promises to check, for every task:

- it is over; nothing is held;
- its job was submitted once, and polled to its end under that id;
- one charge if it succeeded, none if it failed; the ledger agrees with itself;
- its file is in the folder of assets once, whole (what a kill left unfinished in its `tmp` is counted and told);
- its callbacks came in order, each at least once, the last one with its end.

A task may fail in one way only: the gateway died while a submission was under way, and nobody can say whether its provider took it. Such a task
is never submitted again. OpenAI's shape lists jobs with their prompts, so that each is found; Ark's without, so that several that are lost at once stay unknown.
"""

import argparse
import hashlib
import os
import random
import sys
import time
from collections import Counter
from decimal import Decimal

from jobs_stage import CHARGE, OVER, Jobs
from jobs_upstream import file_of
from receiver import Receiver

PATIENCE_S = 300
# So long the upstream has a job before it says so, at most: kills shall find submissions under way.
PAUSE_S = 0.3
# Of those that are made at once, some are lost with each kill.
MAX_LOST_A_KILL = 40


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--tasks", type=int, default=500)
    arguments.add_argument("--kills", type=int, default=12)
    arguments.add_argument("--rate", type=float, default=40, help="tasks made in a second, at most: kills shall find all stages")
    arguments.add_argument("--provider", choices=["openai", "volces"], default="openai")
    arguments.add_argument("--postgres", nargs="?", const=os.environ.get("EASYAI_TEST_POSTGRES_URL"), help="URL; by default that of .ci/with-postgres")
    arguments.add_argument("--seed", type=int, default=None)
    given = arguments.parse_args()
    seed = random.randrange(1_000_000) if given.seed is None else given.seed
    print(f"{given.tasks} tasks, {given.kills} kills, {given.provider}, {'PostgreSQL' if given.postgres else 'SQLite'}, seed {seed}")
    dice, receiver = random.Random(seed), Receiver().start()
    names = [f"job-{at:05d}" for at in range(given.tasks)]
    with Jobs(given.provider, given.postgres, pause_s=PAUSE_S) as jobs:
        jobs.start()
        lengths = {name: round(dice.uniform(2, 6), 2) for name in names}
        begun = time.monotonic()
        # Each task has an address of its own for its callbacks.
        made = jobs.make_all(names, given.rate, lengths.get, lambda name: {"callback_url": f"{receiver.url}/ok/{name}"})
        _kill(jobs, dice, given.kills)
        ids = {name: future.result(PATIENCE_S) for name, future in made.items()}
        _settle(jobs, ids)
        print(f"all over after {time.monotonic() - begun:.0f} s")
        _callbacks_settle(jobs, receiver, ids)
        wrong = _check(jobs, receiver, ids, given.kills)
        if wrong:
            sys.stderr.write(jobs.log.read_text()[-5000:])
    for line in wrong[:50]:
        print(f"WRONG {line}")
    print("nothing was lost or doubled" if not wrong else f"{len(wrong)} things are wrong (seed {seed})")
    return 1 if wrong else 0


def _kill(jobs, dice, kills):
    for at in range(kills):
        time.sleep(dice.uniform(0.05, 2.5))
        jobs.stop()
        time.sleep(dice.uniform(0, 0.3))
        began = time.monotonic()
        jobs.start()
        print(f"kill {at + 1}: ready again after {time.monotonic() - began:.2f} s, {len(jobs.told()[0])} jobs upstream", flush=True)


def _settle(jobs, ids):
    end = time.monotonic() + PATIENCE_S
    while True:
        states = Counter(task["status"] for task in jobs.tasks())
        if sum(states[state] for state in OVER) == states.total() >= len(ids):
            return
        assert time.monotonic() < end, f"not over after {PATIENCE_S} s: {dict(states)}"
        time.sleep(0.5)


def _callbacks_settle(jobs, receiver, ids):
    """Until each task's end was told."""
    end = time.monotonic() + PATIENCE_S
    while True:
        ended = sum(any(got.data["type"] in ("task.completed", "task.failed") for got in receiver.taken(name)) for name in ids)
        if ended == len(ids):
            return
        assert time.monotonic() < end, f"only {ended} of {len(ids)} ends were told after {PATIENCE_S} s"
        time.sleep(0.5)


def _check(jobs, receiver, ids, kills):
    wrong = []
    tasks, (upstream, _) = {task["id"]: task for task in jobs.tasks()}, jobs.told()
    by_name = {}
    for job in upstream:
        by_name.setdefault(job["name"], []).append(job)
    wrong += [f"{len(tasks)} tasks were made for {len(ids)} keys"] if len(tasks) != len(ids) else []
    charged, lost = Decimal(0), 0
    stored, unfinished = _files(jobs.data)
    for name, id in ids.items():
        task, mine = tasks[id], by_name.get(name, [])
        charged += Decimal(task["charge"])
        wrong += [f"{name}: submitted {len(mine)} times"] if len(mine) > 1 else []
        wrong += [f"{name}: {task['held']} is held"] if task["held"] != "0" else []
        if task["status"] == "succeeded":
            wrong += _succeeded(name, task, mine, stored)
        else:
            lost += 1
            wrong += [f"{name}: {task['status']} but charged {task['charge']}"] if Decimal(task["charge"]) else []
            wrong += [f"{name}: {task['status']}: {task['error']}"] if task["error"]["code"] != "interrupted" else []
        wrong += _told_in_order(name, id, jobs, receiver)
    wallet = jobs.call("/api/v1/wallet")
    wrong += [f"the wallet says {wallet}, charges are {charged}"] if Decimal(wallet["balance"]) != 100_000 - charged or wallet["held"] != "0" else []
    wrong += [f"{lost} submissions of unknown outcome with {kills} kills: more than can be"] if lost > MAX_LOST_A_KILL * kills else []
    print(jobs.easyai("ledger", "verify").strip())
    polls = [job["polls"] for job in upstream]
    print(f"{len(ids) - lost} succeeded, {lost} with a submission of unknown outcome; {len(upstream)} jobs, {sum(polls)} polls, {sum(job['fetches'] for job in upstream)} fetches, {len(stored)} files, {unfinished} unfinished ones")
    return wrong


def _succeeded(name, task, mine, stored):
    wrong = [f"{name}: charged {task['charge']}"] if Decimal(task["charge"]) != Decimal(CHARGE) else []
    if len(mine) != 1:
        return [*wrong, f"{name}: succeeded with {len(mine)} jobs"]
    job = mine[0]
    wrong += [f"{name}: its end was not polled under {job['id']}"] if job["seen_done"] is None else []
    places = stored.get(hashlib.sha256(file_of(job["id"])).hexdigest(), [])
    return wrong + ([f"{name}: its file is stored {len(places)} times: {places}"] if len(places) != 1 else [])


def _files(data):
    """Where each clip is in the data folder, by its hash; and how many files a kill left unfinished."""
    stored, unfinished = {}, 0
    for path in data.rglob("*"):
        if not path.is_file() or "easyai.db" in path.name:
            continue
        content = path.read_bytes()
        if path.parent.name == "tmp":
            unfinished += 1
        elif content[4:8] == b"ftyp":
            stored.setdefault(hashlib.sha256(content).hexdigest(), []).append(str(path.relative_to(data)))
    return stored, unfinished


def _told_in_order(name, id, jobs, receiver):
    """Each event at least once, and none before all that stand before it were taken."""
    events = [event["seq"] for event in jobs.call(f"/api/v1/tasks/{id}/events")["data"]]
    taken = 0
    for got in receiver.taken(name):
        seq = got.data["data"]["seq"]
        if seq > taken + 1:
            return [f"{name}: event {seq} was told after {taken}"]
        taken = max(taken, seq)
    return [] if taken == events[-1] else [f"{name}: told up to {taken} of {events[-1]}"]


if __name__ == "__main__":
    sys.exit(main())
