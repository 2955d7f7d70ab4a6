"""Files in a bucket; and a bucket that fails: what was made is not paid for again, and comes home when the bucket is back."""

import time

import httpx2
import pytest

from bucket import Bucket
from media import Wallet, files_of, opened, until
from media_matrix import SECONDS, price_of
from media_stage import MediaStage
from mocks.media import MediaMocks, files

OVER = ("succeeded", "failed", "cancelled")
# An hour in the small: the gateway's own pauses between two tries begin with a second.
FAILS_S = 6


@pytest.fixture(scope="module")
def bucket():
    return Bucket().start()


@pytest.fixture(scope="module")
def stored(bucket):
    class BucketStage(MediaStage):
        SETTINGS = MediaStage.SETTINGS | bucket.settings

    with BucketStage(MediaMocks().start()) as stage:
        yield stage
        stage.easyai("ledger", "verify")


@pytest.fixture
def api(stored):
    headers = {"authorization": f"Bearer {stored.key}"}
    with httpx2.Client(base_url=f"{stored.url}/api/v1", headers=headers, timeout=60) as client:
        yield client


def video(marker):
    return {"kind": "videos.generations", "model": "openai/video", "prompt": f"Waves. {marker}", "seconds": str(SECONDS)}


def image(marker):
    return {"kind": "images.generations", "model": "openai/image", "prompt": f"A lighthouse. {marker}", "response_format": "url"}


def over(api, id):
    return until(lambda: (task := api.get(f"/tasks/{id}").json()) and task["status"] in OVER and task)


def test_a_video_is_in_the_bucket_and_served_from_there(bucket, api, marker):
    done = over(api, api.post("/tasks", json=video(marker)).json()["id"])
    assert done["status"] == "succeeded", done["error"]
    assert files.CLIP in bucket.objects.values()
    assert all(key.startswith("/media/some/folder/") for key in bucket.objects)
    url = files_of(done)[0]
    assert httpx2.get(url).content == files.CLIP
    part = httpx2.get(url, headers={"range": "bytes=100-199"})
    assert (part.status_code, part.content) == (206, files.CLIP[100:200])


def test_an_image_is_in_the_bucket_too(api, marker):
    done = over(api, api.post("/tasks", json=image(marker)).json()["id"])
    assert opened(httpx2.get(files_of(done)[0]).content).size == (1024, 1024)


def test_what_is_deleted_leaves_the_bucket(bucket, api, marker):
    before = set(bucket.objects)
    body = image(marker) | {"size": "1536x1024"}
    id = api.post("/tasks", json=body).json()["id"]
    over(api, id)
    assert set(bucket.objects) > before
    api.delete(f"/tasks/{id}")
    until(lambda: set(bucket.objects) == before)


@pytest.mark.parametrize("body", [video, image], ids=["video", "image"])
def test_what_waits_for_a_bucket_can_be_cancelled(stored, bucket, api, marker, body):
    bucket.fails, bucket.refused = True, 0
    try:
        with Wallet(stored).charged(0):
            id = api.post("/tasks", json=body(marker)).json()["id"]
            until(lambda: bucket.refused)
            api.post(f"/tasks/{id}/cancel")
            done = until(lambda: (task := api.get(f"/tasks/{id}").json()) and task["status"] in OVER and task, patience_s=10)
    finally:
        bucket.fails = False
    assert done["status"] == "cancelled", done


def test_a_gateway_that_ends_does_not_wait_for_a_bucket(marker):
    bucket = Bucket().start()
    bucket.fails = True

    class BucketStage(MediaStage):
        SETTINGS = MediaStage.SETTINGS | bucket.settings

    with BucketStage(MediaMocks().start()) as stage:
        headers = {"authorization": f"Bearer {stage.key}"}
        with httpx2.Client(headers=headers) as client:
            ids = [client.post(f"{stage.url}/api/v1/tasks", json=body(marker)).json()["id"] for body in (video, image)]
            until(lambda: len(stage.mocks.seen(marker, "images", "videos")) == 2 and bucket.refused > 2)
        stage.stop()
        bucket.fails = False
        stage.start()
        with httpx2.Client(base_url=f"{stage.url}/api/v1", headers=headers) as client:
            film, picture = (over(client, id) for id in ids)
        # A platform has the one for a while; the other was in the memory of the gateway alone.
        assert film["status"] == "succeeded", film["error"]
        assert (picture["error"]["code"], picture["charge"]) == ("asset_unavailable", "0")
        assert len(stage.mocks.seen(marker, "images", "videos")) == 2, "paid for once"


@pytest.mark.parametrize("body", [video, image], ids=["video", "image"])
def test_a_bucket_that_fails_costs_no_second_call(stored, bucket, api, marker, body):
    what = "video" if body is video else "image"
    bucket.fails, bucket.refused = True, 0
    try:
        with Wallet(stored).charged(price_of(what, SECONDS if body is video else 1)):
            id = api.post("/tasks", json=body(marker) | ({} if body is video else {"size": "1024x1536"})).json()["id"]
            until(lambda: bucket.refused)
            end = time.monotonic() + FAILS_S
            while time.monotonic() < end:
                task = api.get(f"/tasks/{id}").json()
                assert task["status"] == "running", task
                time.sleep(0.5)
            bucket.fails = False
            done = over(api, id)
    finally:
        bucket.fails = False
    assert done["status"] == "succeeded", done["error"]
    assert httpx2.get(files_of(done)[0]).status_code == 200
    assert len(stored.mocks.seen(marker, "images", "videos")) == 1, "paid for once"
    assert bucket.uploads == {}, "nothing half-written is left"
