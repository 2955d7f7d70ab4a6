"""A gateway as it is by default, which goes to no private address that somebody else chose; the operator's own platforms may be anywhere.

Here everything is on this machine, so that every address which a caller or an upstream names is one of those.
"""

import httpx2
import openai
import pytest

from media import Wallet, until, untouched
from media_matrix import SECONDS
from media_stage import MediaStage
from mocks.media import MediaMocks

ADDRESSES = [
    "http://169.254.169.254/latest/meta-data/",
    "http://127.0.0.1:9/a.png",
    "http://localhost:9/a.png",
    "http://[::1]:9/a.png",
    "http://[::ffff:127.0.0.1]:9/a.png",
    "http://[fd00:ec2::254]/a.png",
    "http://2130706433/a.png",
    "http://0x7f.1/a.png",
    "http://10.0.0.1/a.png",
    "http://0.0.0.0/a.png",
    "ftp://example.com/a.png",
    "file:///etc/passwd",
    "gopher://127.0.0.1/x",
]


class GuardedStage(MediaStage):
    SETTINGS = {}


@pytest.fixture(scope="module")
def guarded():
    with GuardedStage(MediaMocks().start()) as stage:
        yield stage
        stage.easyai("ledger", "verify")


@pytest.fixture
def v1(guarded):
    headers = {"authorization": f"Bearer {guarded.key}"}
    with httpx2.Client(base_url=guarded.url, headers=headers, timeout=60) as client:
        yield client


def refused_for(answer, field):
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (400, "bad_request"), answer.text
    assert field in (error["param"] or "") + error["message"], error


@pytest.mark.parametrize("address", ADDRESSES)
def test_a_picture_at_a_private_address_is_refused(guarded, v1, address):
    with untouched(guarded):
        body = {"model": "gemini/video", "prompt": "Waves.", "seconds": "4", "input_reference": {"image_url": address}}
        answer = v1.post("/v1/videos", json=body)
        if answer.status_code == 200:
            # A video is made later: then it fails, by name too.
            path = f"/v1/videos/{answer.json()['id']}"
            failed = until(lambda: (video := v1.get(path).json()) and video["status"] == "failed" and video)
            assert failed["error"]["code"] == "bad_request" and "input_reference" in failed["error"]["message"], failed["error"]
        else:
            refused_for(answer, "input_reference")
        edit = {"model": "gemini/image", "prompt": "A roof.", "images": [{"image_url": address}]}
        refused_for(v1.post("/v1/images/edits", json=edit), "image")


@pytest.mark.parametrize("address", ADDRESSES)
def test_a_callback_to_a_private_address_is_refused(guarded, v1, address):
    with untouched(guarded):
        body = {"kind": "images.generations", "model": "openai/image", "prompt": "A lighthouse.", "callback_url": address}
        answer = v1.post("/api/v1/tasks", json=body)
        if "localhost" in address and answer.status_code == 202:
            pytest.skip("names are judged when they are resolved: nothing is sent, as the next test sees")
        refused_for(answer, "callback_url")


@pytest.mark.parametrize("provider", ["gemini", "volces"])
def test_a_video_that_lies_at_a_private_address_is_not_fetched_and_not_charged(guarded, v1, marker, provider):
    """Ark names the address itself; Veo's file sends on to it."""
    with Wallet(guarded).charged(0):
        body = {"kind": "videos.generations", "model": f"{provider}/video", "prompt": f"Waves. {marker}", "seconds": str(SECONDS), "size": "1280x720"}
        id = v1.post("/api/v1/tasks", json=body).json()["id"]

        def over():
            task = v1.get(f"/api/v1/tasks/{id}").json()
            return task if task["status"] in ("succeeded", "failed", "cancelled") else None

        task = until(over)
    assert (task["status"], task["error"]["code"]) == ("failed", "asset_unavailable")
    assert "127.0.0.1" not in task["error"]["message"], "a caller need not know where it was"
    assert guarded.mocks.jobs.of(marker)[0].fetches == 0
    assert len(guarded.mocks.jobs.of(marker)) == 1, "nobody is paid twice for it"


def test_a_video_that_sends_on_to_the_clouds_metadata_is_not_followed(guarded, v1, marker):
    with Wallet(guarded).charged(0):
        body = {"kind": "videos.generations", "model": "openai/video", "prompt": f"Waves. {marker} mock:inwards", "seconds": str(SECONDS)}
        id = v1.post("/api/v1/tasks", json=body).json()["id"]
        until(lambda: [job for job in guarded.mocks.jobs.of(marker) if job.fetches])
        task = until(lambda: (task := v1.get(f"/api/v1/tasks/{id}").json()) and task["status"] in ("succeeded", "failed", "cancelled") and task)
    assert (task["status"], task["error"]["code"]) == ("failed", "asset_unavailable")
    assert "169.254" not in task["error"]["message"]


def test_an_image_that_lies_at_a_private_address_is_not_fetched_and_not_charged(guarded, marker):
    client = openai.OpenAI(base_url=f"{guarded.url}/v1", api_key=guarded.key, max_retries=0)
    with Wallet(guarded).charged(0), pytest.raises(openai.APIStatusError) as caught:
        client.images.generate(model="openai/image-by-url", prompt=f"A lighthouse. {marker}", size="1024x1024")
    assert caught.value.code == "asset_unavailable"
    assert len(guarded.mocks.seen(marker)) == 1
