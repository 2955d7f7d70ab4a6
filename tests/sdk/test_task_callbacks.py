"""Callbacks: each event of a task is told to its caller's address, signed, in order, at least once; whoever reads it uses the official library."""

import json
import time

import httpx2
import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from media import until
from receiver import Receiver

TYPES = ("task.progress", "task.attempt.started", "task.attempt.failed", "task.retrying", "task.failover.stopped", "task.billing.settled", "task.completed", "task.failed", "task.cancelled")


@pytest.fixture(scope="module")
def receiver():
    return Receiver().start()


@pytest.fixture(scope="module")
def secret(media):
    """What signs for the tests' account."""
    return json.loads(media.easyai("--json", "callback", "secret", "show", "--account", "sdk"))["secret"]


@pytest.fixture
def make(media, receiver, name):
    """Makes a task whose events go to `/HOW/NAME`, and gives its id."""

    def post(how, prompt="Waves.", **more):
        body = {"kind": "videos.generations", "model": "openai/video", "prompt": f"{prompt} #{name}#", "seconds": "4", "callback_url": f"{receiver.url}/{how}/{name}"} | more
        answer = httpx2.post(f"{media.url}/api/v1/tasks", json=body, headers={"authorization": f"Bearer {media.key}"}, timeout=30)
        assert answer.status_code == 202, answer.text
        return answer.json()["id"]

    return post


@pytest.fixture
def events(media):
    headers = {"authorization": f"Bearer {media.key}"}
    return lambda id: httpx2.get(f"{media.url}/api/v1/tasks/{id}/events", headers=headers).json()["data"]


def told(got):
    """The event inside a delivery."""
    return got.data["data"]


def ended(receiver, name, kind="task.completed"):
    return until(lambda: any(each.data["type"] == kind for each in receiver.taken(name)) and receiver.taken(name))


def test_every_event_is_told_signed_and_in_order(receiver, secret, make, events, name):
    id = make("ok")
    got = ended(receiver, name)
    for each in got:
        assert Webhook(secret).verify(each.body, each.headers)["type"] in TYPES
    assert [told(each)["seq"] for each in got] == [event["seq"] for event in events(id)]
    assert [each.data["type"] for each in got] == [event["type"] for event in events(id)]
    assert len({each.id for each in got}) == len(got)
    assert {told(each)["task_id"] for each in got} == {id}


def test_who_changes_a_byte_is_found_out(receiver, secret, make, name):
    make("ok")
    got = ended(receiver, name)[0]
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(got.body.replace(b"task", b"tusk", 1), got.headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(got.body, got.headers | {"webhook-id": "msg_other"})


def test_only_the_events_that_were_asked_for_are_told(receiver, make, name):
    make("ok", callback_events=["task.completed", "task.failed"])
    assert [each.data["type"] for each in ended(receiver, name)] == ["task.completed"]


def test_a_failure_is_told_again_under_the_same_id(receiver, secret, make, name, events):
    id = make("flaky", callback_events=["task.attempt.started", "task.completed"])
    taken = ended(receiver, name)
    assert [each.data["type"] for each in taken] == ["task.attempt.started", "task.completed"]
    tries = [(each.id, each.status) for each in receiver.got(name)]
    assert tries == [(taken[0].id, 500), (taken[0].id, 204), (taken[1].id, 500), (taken[1].id, 204)]
    for each in taken:
        Webhook(secret).verify(each.body, each.headers)
    assert events(id)


def test_a_slow_receiver_delays_nobody_else(receiver, make, name):
    for _ in range(3):
        make("slow")
    begun = time.monotonic()
    make("ok", prompt="And a quick one.")
    until(lambda: any(each.data["type"] == "task.completed" for each in receiver.taken(name)), patience_s=15)
    assert time.monotonic() - begun < 15


def test_a_receiver_that_sends_us_inwards_is_not_followed(media, receiver, make, name):
    make("inwards", callback_events=["task.completed"])
    until(lambda: receiver.got(name))
    assert media.easyai("callback", "list")


@pytest.mark.parametrize("url", ["ftp://example.com/", "not a url", "http://user:secret@127.0.0.1/", "file:///etc/passwd"])
def test_what_is_no_address_of_a_receiver_is_refused(media, url):
    body = {"kind": "videos.generations", "model": "openai/video", "prompt": "Waves.", "seconds": "4", "callback_url": url}
    calls = media.mocks.count()
    answer = httpx2.post(f"{media.url}/api/v1/tasks", json=body, headers={"authorization": f"Bearer {media.key}"})
    error = answer.json()["error"]
    assert answer.status_code == 400 and "callback_url" in (error["param"] or "") + error["message"]
    assert media.mocks.since(calls, "videos") == []


def test_a_dead_letter_is_seen_and_sent_again(media, receiver, secret, make, name):
    """A receiver that says it is gone for good is not asked again by itself."""
    id = make("gone", callback_events=["task.completed"])
    until(lambda: receiver.got(name))
    until(lambda: id in media.easyai("callback", "list", "--dead"))
    assert receiver.taken(name) == []
    media.easyai("callback", "resend", "--task", id)
    taken = until(lambda: receiver.taken(name))
    assert Webhook(secret).verify(taken[0].body, taken[0].headers)["type"] == "task.completed"
    assert taken[0].id == receiver.got(name)[0].id
    until(lambda: id not in media.easyai("callback", "list", "--dead"))


def test_what_is_still_tried_can_be_seen_too(media, receiver, make, name):
    id = make("dead", callback_events=["task.completed"])
    until(lambda: receiver.got(name))
    assert id in media.easyai("callback", "list", "--task", id)


def test_a_header_names_the_address_where_a_body_can_not(media, receiver, name):
    headers = {"authorization": f"Bearer {media.key}", "prefer": "respond-async", "x-easyai-callback-url": f"{receiver.url}/ok/{name}"}
    answer = httpx2.post(f"{media.url}/v1/images/generations", json={"model": "openai/image", "prompt": f"A lighthouse. #{name}#"}, headers=headers)
    assert answer.status_code == 202, answer.text
    assert ended(receiver, name)
