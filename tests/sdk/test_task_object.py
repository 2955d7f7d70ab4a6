"""The task object: work of any kind that goes on without its caller, waited for, watched, cancelled, deleted."""

import base64
import hashlib
import json
import re
import time
from datetime import datetime

import httpx2
import pytest

from media import Wallet, files_of, opened, until
from media_matrix import SECONDS, places, price_of

OVER = ("succeeded", "failed", "cancelled")
CHAT = {"model": "chat", "messages": [{"role": "user", "content": "Hello"}]}


def each(*providers):
    return pytest.mark.parametrize("place", places(*providers, direct=False), ids=str)


def video(place, marker, **more):
    return {"kind": "videos.generations", "model": place.model("video"), "prompt": f"Waves. {marker}", "seconds": str(SECONDS), "size": "1280x720"} | more


@pytest.fixture
def api(media):
    """The gateway's own API, with the caller's key."""
    headers = {"authorization": f"Bearer {media.key}"}
    with httpx2.Client(base_url=f"{media.url}/api/v1", headers=headers, timeout=60) as client:
        yield client


@pytest.fixture
def v1(media):
    """OpenAI's API, by hand, for the headers."""
    headers = {"authorization": f"Bearer {media.key}"}
    with httpx2.Client(base_url=f"{media.url}/v1", headers=headers, timeout=60) as client:
        yield client


def accepted(answer):
    """The task object of a 202."""
    assert answer.status_code == 202, f"{answer.status_code}: {answer.text}"
    task = answer.json()
    assert task["object"] == "task" and task["id"].startswith("task_") and task["status"] in ("queued", "running", "succeeded")
    assert answer.headers["x-easyai-task-id"] == task["id"]
    assert answer.headers["location"].endswith(f"/api/v1/tasks/{task['id']}")
    return task


def over(api, id):
    def ended():
        task = api.get(f"/tasks/{id}").json()
        return task if task["status"] in OVER else None

    return until(ended)


def events_of(api, id, last=None):
    """All events of a task as they are streamed, to the end of the stream."""
    headers = {"accept": "text/event-stream"} | ({} if last is None else {"last-event-id": str(last)})
    text = api.get(f"/tasks/{id}/events", headers=headers).text
    frames = [frame for frame in text.replace("\r\n", "\n").split("\n\n") if "data:" in frame]
    return [(int(re.search(r"^id: ?(\d+)$", frame, re.M)[1]), json.loads(re.search(r"^data: ?(.+)$", frame, re.M)[1])) for frame in frames]


@each()
def test_a_video_task_is_made_and_seen_to_its_end(media, api, marker, place):
    with Wallet(media).charged(price_of("video", SECONDS)):
        task = accepted(api.post("/tasks", json=video(place, marker)))
        assert (task["kind"], task["model"]) == ("videos.generations", place.model("video"))
        done = over(api, task["id"])
    assert (done["status"], done["progress"], done["error"]) == ("succeeded", 1, None)
    asset = done["result"]["assets"][0]
    assert (asset["role"], asset["media_type"], asset["sha256"]) == ("result", "video/mp4", hashlib.sha256(httpx2.get(asset["url"]).content).hexdigest())
    got = httpx2.get(files_of(done)[0])
    assert (got.status_code, got.headers["content-type"]) == (200, "video/mp4")


@each()
def test_an_image_task_has_its_image_at_the_end(media, api, marker, place):
    body = {"kind": "images.generations", "model": place.model("image"), "prompt": f"A lighthouse. {marker}"}
    with Wallet(media).charged(price_of("image", 1)):
        done = over(api, accepted(api.post("/tasks", json=body))["id"])
    assert done["status"] == "succeeded", done["error"]
    image = done["result"]["answer"]["data"][0]
    assert opened(httpx2.get(files_of(done)[0]).content)
    assert opened(base64.b64decode(image["b64_json"]) if image.get("b64_json") else httpx2.get(image["url"]).content)


def test_a_chat_is_a_task_too(api):
    done = over(api, accepted(api.post("/tasks", json={"kind": "chat.completions"} | CHAT))["id"])
    assert done["status"] == "succeeded" and done["result"]["answer"]["choices"][0]["message"]["content"]


@each("simulation")
def test_speech_is_a_task_too(api, marker, place):
    body = {"kind": "audio.speech", "model": place.model("speech"), "input": f"Hello {marker}", "voice": "alloy", "response_format": "wav"}
    done = over(api, accepted(api.post("/tasks", json=body))["id"])
    assert done["status"] == "succeeded" and httpx2.get(files_of(done)[0]).content[:4] == b"RIFF"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"model": "chat"}, "kind"),
        ({"kind": "dreams"} | CHAT, "kind"),
        ({"kind": "chat.completions", "model": "chat"}, "messages"),
        ({"kind": "videos.generations", "model": "openai/video"}, "prompt"),
        ({"kind": "videos.generations", "model": "openai/video", "prompt": "x", "seconds": "abc"}, "seconds"),
        ({"kind": "images.generations", "model": "openai/image", "prompt": "x", "callback_url": "ftp://here"}, "callback_url"),
        ({"kind": "images.generations", "model": "openai/image", "prompt": "x", "callback_url": 7}, "callback_url"),
    ],
)
def test_a_wrong_task_is_a_bad_request_that_names_the_field(media, api, body, field):
    with Wallet(media).charged(0):
        answer = api.post("/tasks", json=body)
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (400, "bad_request") and field in (error["param"] or "") + error["message"]


@each()
def test_a_recording_is_written_down_by_a_task(api, place):
    from mocks.media import files

    sound = "data:audio/wav;base64," + base64.b64encode(files.sound("wav", 2.0)).decode()
    body = {"kind": "audio.transcriptions", "model": place.model("transcribe"), "file": sound}
    done = over(api, accepted(api.post("/tasks", json=body))["id"])
    assert done["status"] == "succeeded", done["error"]
    assert done["result"]["answer"]["text"]


@pytest.mark.parametrize("path", ["/images/generations", "/chat/completions"])
def test_any_call_may_prefer_not_to_wait(media, api, v1, marker, path):
    body = CHAT if "chat" in path else {"model": "openai/image", "prompt": f"A lighthouse. {marker}"}
    answer = v1.post(path, json=body, headers={"prefer": "respond-async"})
    assert "respond-async" in answer.headers["preference-applied"]
    done = over(api, accepted(answer)["id"])
    assert done["status"] == "succeeded", done["error"]


def test_a_form_may_prefer_not_to_wait(api, v1, marker):
    from mocks.media import files

    parts = {"image": ("a.png", files.picture("png", 64, 64), "image/png")}
    answer = v1.post("/images/edits", data={"model": "openai/image", "prompt": f"A roof. {marker}"}, files=parts, headers={"prefer": "respond-async"})
    assert over(api, accepted(answer)["id"])["status"] == "succeeded"


def test_who_waits_long_enough_gets_the_answer_itself(v1, marker):
    answer = v1.post("/images/generations", json={"model": "openai/image", "prompt": f"A lighthouse. {marker}"}, headers={"prefer": "wait=20"})
    assert answer.status_code == 200 and answer.json()["data"], answer.text


def test_who_does_not_wait_long_enough_gets_the_task(media, api, v1, marker):
    body = {"model": "openai/image", "prompt": f"A lighthouse. {marker} mock:seconds=4"}
    begun = time.monotonic()
    with Wallet(media).charged(price_of("image", 1)):
        task = accepted(v1.post("/images/generations", json=body, headers={"prefer": "wait=1"}))
        assert 0.8 < time.monotonic() - begun < 3
        assert over(api, task["id"])["status"] == "succeeded"
    assert len(media.mocks.seen(marker)) == 1, "the call went on; it was not made again"


@pytest.mark.parametrize("wait", ["5", "30"])
def test_a_task_may_be_waited_for_where_it_is_made(api, marker, wait):
    body = {"kind": "videos.generations", "model": "openai/video", "prompt": f"Waves. {marker}", "seconds": "4"}
    answer = api.post("/tasks", json=body, headers={"prefer": f"wait={wait}"})
    assert answer.status_code in (200, 202)
    assert answer.json()["status"] in ("succeeded", "completed") if answer.status_code == 200 else accepted(answer)


@each("openai", "simulation")
def test_progress_of_a_task_never_falls(api, marker, place):
    task = accepted(api.post("/tasks", json=video(place, f"{marker} mock:seconds=2")))
    told = []

    def ended():
        told.append(api.get(f"/tasks/{task['id']}").json())
        return told[-1]["status"] in OVER

    until(ended)
    progress = [each["progress"] for each in told]
    assert progress == sorted(progress) and progress[-1] == 1 and all(0 <= each <= 1 for each in progress)
    assert told[-1]["status"] == "succeeded", told[-1]["error"]


@each("openai", "gemini", "volces", "simulation")
def test_events_are_told_as_they_happen_and_can_be_taken_up(api, marker, place):
    task = accepted(api.post("/tasks", json=video(place, f"{marker} mock:seconds=2")))
    told = events_of(api, task["id"])
    numbers = [number for number, _ in told]
    assert numbers == list(range(1, len(told) + 1))
    progress = [event["progress"] for _, event in told]
    assert progress == sorted(progress)
    types = [event["type"] for _, event in told]
    assert types[0] == "task.progress" and "task.attempt.started" in types and types[-2:] == ["task.billing.settled", "task.completed"]
    phases = [event["phase"] for _, event in told if event["type"] == "task.progress"]
    assert {"polling", "generating"} & set(phases), f"the job's own progress is told: {phases}"
    assert events_of(api, task["id"], last=numbers[-3]) == told[-2:]
    assert api.get(f"/tasks/{task['id']}/events").json()["data"][-1]["seq"] == numbers[-1]


@each("openai")
def test_events_come_live(api, marker, place):
    task = accepted(api.post("/tasks", json=video(place, f"{marker} mock:seconds=4")))
    begun, arrived = time.monotonic(), []
    with api.stream("GET", f"/tasks/{task['id']}/events", headers={"accept": "text/event-stream"}) as stream:
        for line in stream.iter_lines():
            if line.startswith("id:"):
                arrived.append(time.monotonic() - begun)
    assert arrived[0] < 2 and arrived[-1] - arrived[0] > 1.5, "events were held back to the end"


def test_tasks_that_wait_have_a_place_in_the_queue(media, api, marker):
    """More than one account may run at once: those behind tell their place, and it gets better."""
    media.easyai("account", "set", "sdk", "--limit", "concurrent=1")
    try:
        time.sleep(1.2)
        body = {"kind": "images.generations", "model": "openai/image", "prompt": f"A lighthouse. {marker} mock:seconds=1"}
        ids = [accepted(api.post("/tasks", json=body))["id"] for _ in range(4)]
        # It is accepted before a worker has brought it to the queue.
        place = until(lambda: api.get(f"/tasks/{ids[-1]}").json().get("queue"))
        assert 1 <= place["ahead"] <= 3
        assert [over(api, id)["status"] for id in ids] == ["succeeded"] * 4
        assert api.get(f"/tasks/{ids[-1]}").json().get("queue") is None
    finally:
        media.easyai("account", "set", "sdk", "--limit", "concurrent=none")
    assert len(media.mocks.seen(marker)) == 4


@each("openai", "gemini", "volces")
def test_a_task_is_cancelled(media, api, marker, place):
    task = accepted(api.post("/tasks", json=video(place, f"{marker} mock:seconds=60")))
    until(lambda: media.mocks.jobs.of(marker))
    answer = api.post(f"/tasks/{task['id']}/cancel")
    assert answer.status_code in (200, 202), answer.text
    done = over(api, task["id"])
    assert done["status"] == "cancelled" and done["held"] == "0"
    assert [event["type"] for _, event in events_of(api, task["id"])][-1] == "task.cancelled"
    again = api.post(f"/tasks/{task['id']}/cancel")
    assert again.status_code in (200, 409), "what is over stays as it is"
    assert api.get(f"/tasks/{task['id']}").json()["status"] == "cancelled"
    # As OpenAI's SDK sees it: a status that it knows.
    shown = httpx2.get(f"{media.url}/v1/videos/video_{task['id'].removeprefix('task_')}", headers=api.headers).json()
    assert (shown["status"], shown["error"]["code"]) == ("failed", "cancelled")


@each("volces")
def test_a_job_is_stopped_at_its_provider_where_that_can_be(media, api, marker, place):
    task = accepted(api.post("/tasks", json=video(place, f"{marker} mock:seconds=60")))
    job = until(lambda: media.mocks.jobs.of(marker))[0]
    api.post(f"/tasks/{task['id']}/cancel")
    done = over(api, task["id"])
    assert (done["charge"], done["held"]) == ("0", "0")
    assert until(lambda: job.cancelled, patience_s=10)


def test_a_task_that_is_over_can_be_deleted(api, v1, marker):
    body = {"kind": "images.generations", "model": "openai/image", "prompt": f"A lighthouse. {marker}", "response_format": "url"}
    id = accepted(api.post("/tasks", json=body))["id"]
    running = api.delete(f"/tasks/{id}")
    assert running.status_code in (200, 204, 409)
    if running.status_code == 409:
        url = files_of(over(api, id))[0]
        assert api.delete(f"/tasks/{id}").status_code in (200, 204)
        assert httpx2.get(url).status_code in (403, 404, 410), "its files are gone with it"
    assert api.get(f"/tasks/{id}").status_code == 404
    assert id not in [task["id"] for task in api.get("/tasks?limit=100").json()["data"]]


def test_tasks_of_others_can_be_neither_cancelled_nor_deleted(media, api, marker):
    body = {"kind": "videos.generations", "model": "openai/video", "prompt": f"Waves. {marker}", "seconds": "4"}
    id = accepted(api.post("/tasks", json=body))["id"]
    other = {"authorization": f"Bearer {media.fresh_key}"}
    for method, path in [("POST", f"/tasks/{id}/cancel"), ("DELETE", f"/tasks/{id}"), ("GET", f"/tasks/{id}/events")]:
        answer = api.request(method, path, headers=other)
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "task_not_found")
    assert over(api, id)["status"] == "succeeded"


def test_a_key_makes_one_task_however_often_it_is_asked(media, api, marker):
    body = {"kind": "videos.generations", "model": "openai/video", "prompt": f"Waves. {marker}", "seconds": "4"}
    headers = {"idempotency-key": f"once-{marker}"}
    with Wallet(media).charged(price_of("video", SECONDS)):
        first, second = (api.post("/tasks", json=body, headers=headers) for _ in range(2))
        assert first.json()["id"] == second.json()["id"]
        over(api, first.json()["id"])
    assert len(media.mocks.jobs.of(marker)) == 1
    other = api.post("/tasks", json=body | {"seconds": "8"}, headers=headers)
    assert (other.status_code, other.json()["error"]["code"]) == (409, "idempotency_conflict")


def test_tasks_are_listed_by_kind_and_status(api, marker):
    body = {"kind": "videos.generations", "model": "simulation/video", "prompt": f"Waves. {marker}", "seconds": "4"}
    ids = [accepted(api.post("/tasks", json=body))["id"] for _ in range(2)]
    for id in ids:
        over(api, id)
    listed = api.get("/tasks?kind=videos.generations&status=succeeded&model=simulation/video&limit=2").json()
    assert [task["id"] for task in listed["data"]] == ids[::-1]
    assert listed["next_cursor"] is not None


def test_a_deadline_ends_a_task(media, api, marker):
    body = {"kind": "videos.generations", "model": "openai/video", "prompt": f"Waves. {marker} mock:seconds=60", "seconds": "4"}
    with Wallet(media).charged(0):
        task = accepted(api.post("/tasks", json=body, headers={"x-easyai-timeout-ms": "2000"}))
        begun = time.monotonic()
        done = over(api, task["id"])
        assert done["status"] == "failed" and done["error"]["code"] == "upstream_timeout"
    assert time.monotonic() - begun < 15
    assert datetime.fromisoformat(done["finished_at"]) > datetime.fromisoformat(done["created_at"])


@pytest.mark.parametrize(
    ("terms", "field"), [({"timeout_ms": 0}, "timeout_ms"), ({"timeout_ms": "soon"}, "timeout_ms"), ({"priority": 101}, "priority"), ({"priority": "high"}, "priority")]
)
def test_wrong_terms_of_a_task_are_refused_by_name(api, terms, field):
    answer = api.post("/tasks", json={"kind": "chat.completions"} | CHAT | terms)
    assert answer.status_code == 400 and field in (answer.json()["error"]["param"] or "")


def test_a_deadline_stands_in_the_body_too(api, marker):
    body = {"kind": "videos.generations", "model": "openai/video", "prompt": f"Waves. {marker} mock:seconds=60", "seconds": "4", "timeout_ms": 2000, "priority": 5}
    task = accepted(api.post("/tasks", json=body))
    assert task["priority"] == 5 and task["deadline"]
    assert over(api, task["id"])["error"]["code"] == "upstream_timeout"


def test_an_empty_wallet_makes_no_task(media, api, marker):
    body = {"kind": "videos.generations", "model": "openai/video", "prompt": f"Waves. {marker}", "seconds": "4"}
    answer = api.post("/tasks", json=body, headers={"authorization": f"Bearer {media.poor_key}"})
    if answer.status_code == 202:
        other = httpx2.Client(base_url=api.base_url, headers={"authorization": f"Bearer {media.poor_key}"})
        done = over(other, answer.json()["id"])
        assert (done["status"], done["error"]["code"]) == ("failed", "insufficient_balance")
    else:
        assert (answer.status_code, answer.json()["error"]["code"]) == (402, "insufficient_balance")
    assert media.mocks.jobs.of(marker) == []


def test_the_command_line_watches_a_task(media, api, marker):
    body = {"kind": "videos.generations", "model": "openai/video", "prompt": f"Waves. {marker} mock:seconds=2", "seconds": "4"}
    id = accepted(api.post("/tasks", json=body))["id"]
    shown = media.easyai("task", "watch", id)
    assert "succeeded" in shown and api.get(f"/tasks/{id}").json()["status"] == "succeeded"
