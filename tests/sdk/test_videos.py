"""Videos with OpenAI's SDK: made by a job that is polled, listed, loaded down and deleted; at every provider."""

import base64
from decimal import Decimal

import httpx2
import openai
import pytest

from media import Wallet, decoded, opened, probed, refused, until, untouched
from media_matrix import SECONDS, places, price_of
from mocks.media import files

SIZE = "1280x720"
POLL_MS = 150
# The newest SDK says that OpenAI gives its own service up. Its shape stays ours.
pytestmark = pytest.mark.filterwarnings("ignore:The Sora API")
REFERENCE = ("first.png", files.picture("png", 1280, 720, 3), "image/png")


def each(*providers, direct=True):
    return pytest.mark.parametrize("place", places(*providers, direct=direct), ids=str)


def video(place, marker, **more):
    return {"model": place.model("video"), "prompt": f"Waves at night. {marker}", "seconds": str(SECONDS), "size": SIZE} | more


def made(client, place, marker, **more):
    done = client.videos.create_and_poll(**video(place, marker, **more), poll_interval_ms=POLL_MS)
    assert done.status == "completed", done.error
    return done


def only_job(mocks, place, marker):
    """The one job that this test's prompt made; it was submitted once."""
    jobs = mocks.jobs.of(marker)
    assert len(jobs) == 1, f"submitted {len(jobs)} times"
    assert place.direct or len(mocks.seen(marker, "videos")) == 1
    return jobs[0]


def task_of(media, video_id):
    """The task behind a video: both ids have the same body."""
    headers = {"authorization": f"Bearer {media.key}"}
    return httpx2.get(f"{media.url}/api/v1/tasks/task_{video_id.partition('_')[2]}", headers=headers).json()


@each()
def test_a_video_is_made_and_loaded_down(sdk, media_mocks, marker, tmp_path, place):
    client = sdk(place)
    done = made(client, place, marker)
    assert (done.object, done.model, done.progress, done.seconds, done.size) == ("video", place.model("video"), 100, str(SECONDS), SIZE)
    assert done.id.startswith("video_") and done.completed_at >= done.created_at > 1_600_000_000 and done.error is None
    content = client.videos.download_content(done.id)
    assert content.response.headers["content-type"] == "video/mp4"
    content.write_to_file(tmp_path / "video.mp4")
    form, length, codecs = probed(tmp_path / "video.mp4")
    assert "mp4" in form and abs(length - SECONDS) < 0.6 and "video" in codecs
    decoded(tmp_path / "video.mp4")
    if place.provider != "simulation":
        assert content.content == files.CLIP
        job = only_job(media_mocks, place, marker)
        assert job.fetches == 1, "brought home once, whoever asks for it"


@each(direct=False)
def test_a_video_is_charged_by_its_seconds_once_it_is_done(sdk, media, marker, place):
    client, wallet = sdk(place), Wallet(media)
    with wallet.charged(price_of("video", SECONDS)):
        accepted = client.videos.create(**video(place, marker))
        balance, held = wallet.read()
        assert accepted.status in ("queued", "in_progress", "completed")
        assert accepted.status == "completed" or held > 0, "its price is held meanwhile"
        done = client.videos.poll(accepted.id, poll_interval_ms=POLL_MS)
        assert done.status == "completed", done.error
    task = task_of(media, done.id)
    assert (task["kind"], task["status"], task["attempts"]) == ("videos.generations", "succeeded", 1)
    assert Decimal(task["charge"]) == price_of("video", SECONDS)


@each()
def test_the_helper_is_told_how_long_to_wait(sdk, marker, place):
    client = sdk(place)
    accepted = client.videos.create(**video(place, marker))
    raw = client.videos.with_raw_response.retrieve(accepted.id)
    assert int(raw.headers["openai-poll-after-ms"]) > 0


@each()
def test_progress_never_falls_and_ends_at_a_hundred(sdk, marker, place):
    client = sdk(place)
    id = client.videos.create(**video(place, marker)).id
    told = []

    def done():
        told.append(client.videos.retrieve(id))
        assert told[-1].status in ("queued", "in_progress", "completed"), told[-1].error
        return told[-1].status == "completed"

    until(done)
    progress = [each.progress for each in told]
    order = ["queued", "in_progress", "completed"]
    assert progress == sorted(progress) and progress[-1] == 100 and all(0 <= each <= 100 for each in progress)
    assert [order.index(each.status) for each in told] == sorted(order.index(each.status) for each in told)


@each(direct=False)
def test_before_it_is_done_its_content_is_a_clear_error(sdk, marker, place):
    client = sdk(place)
    id = client.videos.create(**video(place, f"{marker} mock:seconds=2")).id
    if client.videos.retrieve(id).status == "completed":
        return
    with pytest.raises(openai.APIStatusError) as caught:
        client.videos.download_content(id)
    assert 400 <= caught.value.status_code < 500 and caught.value.code and "status" in caught.value.message
    assert client.videos.poll(id, poll_interval_ms=POLL_MS).status == "completed"


@each(direct=False)
def test_content_can_be_read_in_parts(sdk, media, marker, place):
    done = made(sdk(place), place, marker)
    url, headers = f"{media.url}/v1/videos/{done.id}/content", {"authorization": f"Bearer {media.key}"}
    whole = httpx2.get(url, headers=headers)
    size = len(whole.content)
    assert (whole.headers["accept-ranges"], int(whole.headers["content-length"])) == ("bytes", size)
    for asked, expected, told in [
        ("bytes=0-9", whole.content[:10], f"bytes 0-9/{size}"),
        ("bytes=10-", whole.content[10:], f"bytes 10-{size - 1}/{size}"),
        ("bytes=-7", whole.content[-7:], f"bytes {size - 7}-{size - 1}/{size}"),
    ]:
        part = httpx2.get(url, headers=headers | {"range": asked})
        assert (part.status_code, part.content, part.headers["content-range"]) == (206, expected, told)
    beyond = httpx2.get(url, headers=headers | {"range": f"bytes={size}-"})
    assert (beyond.status_code, beyond.headers["content-range"]) == (416, f"bytes */{size}")
    same = httpx2.get(url, headers=headers | {"if-none-match": whole.headers["etag"]})
    assert (same.status_code, same.content) == (304, b"")
    other = httpx2.get(url, headers=headers | {"range": "bytes=0-9", "if-range": '"another"'})
    assert (other.status_code, other.content) == (200, whole.content)


@each("openai", "simulation", direct=False)
def test_a_thumbnail_is_a_picture_or_a_clear_refusal(sdk, marker, place):
    client = sdk(place)
    id = made(client, place, marker).id
    try:
        assert opened(client.videos.download_content(id, variant="thumbnail").content)
    except (openai.BadRequestError, openai.NotFoundError) as failure:
        assert failure.code and failure.message
    with pytest.raises(openai.BadRequestError) as caught:
        client.videos.download_content(id, extra_query={"variant": "hologram"})
    assert "variant" in (caught.value.param or "") + caught.value.message


@each()
def test_a_video_is_retrieved_listed_and_deleted(sdk, marker, place):
    client = sdk(place)
    ids = [client.videos.create(**video(place, f"{marker} {at}")).id for at in range(3)]
    for id in ids:
        assert client.videos.poll(id, poll_interval_ms=POLL_MS).id == id
    first = client.videos.list(limit=2)
    assert [each.id for each in first.data] == ids[:0:-1] and first.has_more
    second = client.videos.list(limit=2, after=first.data[-1].id)
    assert second.data[0].id == ids[0]
    assert [each.id for each in client.videos.list(after=ids[0], order="asc").data] == ids[1:]
    gone = client.videos.delete(ids[0])
    assert (gone.id, gone.object, gone.deleted) == (ids[0], "video.deleted", True)
    for call in (client.videos.retrieve, client.videos.download_content):
        with pytest.raises(openai.NotFoundError):
            call(ids[0])
    assert ids[0] not in [each.id for each in client.videos.list(limit=100).data]


@each("openai", direct=False)
def test_videos_of_others_do_not_exist(sdk, media, marker, place):
    id = made(sdk(place), place, marker).id
    other = sdk(place, media.fresh_key)
    for call in (other.videos.retrieve, other.videos.download_content, other.videos.delete):
        with pytest.raises(openai.NotFoundError):
            call(id)
    assert id not in [each.id for each in other.videos.list(limit=100).data]


@each()
def test_a_reference_is_the_first_frame(sdk, media_mocks, marker, place):
    made(sdk(place), place, marker, input_reference=REFERENCE)
    for call in [] if place.provider == "simulation" else media_mocks.seen(marker, "videos"):
        seen = call.heard["images"]
        assert seen in ([(1280, 720)], [("first_frame", (1280, 720))])


@each(direct=False)
@pytest.mark.parametrize("name", ["input_reference", "image_url", "first_frame"])
def test_a_reference_comes_in_json_under_any_usual_name(media, sdk, marker, place, name):
    url = "data:image/png;base64," + base64.b64encode(REFERENCE[1]).decode()
    body = video(place, marker) | {name: {"image_url": url} if name == "input_reference" else url}
    answer = httpx2.post(f"{media.url}/v1/videos", json=body, headers={"authorization": f"Bearer {media.key}"}, timeout=30)
    assert answer.status_code in (200, 202), answer.text
    id = answer.json()["id"]
    done = sdk(place).videos.poll(id, poll_interval_ms=POLL_MS)
    assert done.status == "completed", done.error
    for call in [] if place.provider == "simulation" else media.mocks.seen(marker, "videos"):
        assert len(call.heard["images"]) == 1


@each("openai", direct=False)
def test_a_video_is_remixed_where_its_provider_can(sdk, media, marker, place):
    client = sdk(place)
    first = made(client, place, marker)
    job = only_job(media.mocks, place, marker)
    with Wallet(media).charged(price_of("video", SECONDS)):
        again = client.videos.remix(first.id, prompt=f"At dawn. {marker}-remix")
        assert again.id != first.id and again.remixed_from_video_id == first.id
        done = client.videos.poll(again.id, poll_interval_ms=POLL_MS)
    assert done.status == "completed"
    assert media.mocks.seen(f"{marker}-remix")[0].heard["remix_of"] == job.id


@each("openai", "gemini", "volces")
def test_a_job_that_fails_is_a_failed_video_and_costs_nothing(sdk, request, media_mocks, marker, place):
    client = sdk(place)
    wallet = None if place.direct else Wallet(request.getfixturevalue("media"))
    before = wallet and wallet.read()
    done = client.videos.create_and_poll(**video(place, f"{marker} mock:fail"), poll_interval_ms=POLL_MS)
    assert done.status == "failed" and done.error.code and done.error.message
    assert place.direct or done.error.code == "content_filter"
    assert wallet is None or wallet.read() == before
    only_job(media_mocks, place, marker)
    with pytest.raises(openai.APIStatusError):
        client.videos.download_content(done.id)


@each("openai", "gemini", "volces", direct=False)
def test_errors_of_polls_say_nothing_of_the_job(sdk, media, marker, place):
    with Wallet(media).charged(price_of("video", SECONDS)):
        made(sdk(place), place, f"{marker} mock:poll-errors=2")
    job = only_job(media.mocks, place, marker)
    assert job.polls >= 3


@each("openai", direct=False)
@pytest.mark.parametrize("words", ["mock:unknown=2", "mock:elsewhere"])
def test_other_peoples_servers_have_ways_of_their_own(sdk, media, marker, place, words):
    with Wallet(media).charged(price_of("video", SECONDS)):
        done = made(sdk(place), place, f"{marker} {words}")
    assert sdk(place).videos.download_content(done.id).content == files.CLIP
    assert only_job(media.mocks, place, marker).fetches == 1


@each("openai", "gemini", "volces", direct=False)
def test_a_job_that_its_provider_forgot_has_failed(sdk, media, marker, place):
    with Wallet(media).charged(0):
        done = sdk(place).videos.create_and_poll(**video(place, f"{marker} mock:gone mock:seconds=30"), poll_interval_ms=POLL_MS)
    assert done.status == "failed"
    assert len(media.mocks.jobs.of(marker)) == 1, "nothing is submitted anew"


@each("gemini", direct=False)
def test_a_submission_of_unknown_outcome_is_not_sent_again(sdk, media, marker, place):
    client = sdk(place)
    try:
        id = client.videos.create(**video(place, f"{marker} mock:lost")).id
        assert client.videos.poll(id, poll_interval_ms=POLL_MS).status == "failed"
    except openai.APIStatusError as failure:
        assert failure.status_code >= 500 and failure.response.headers.get("x-should-retry") == "false"
    assert len(media.mocks.jobs.of(marker)) == 1


@each("openai", "volces", direct=False)
def test_a_submission_of_unknown_outcome_is_found_where_jobs_are_listed(sdk, media, marker, place):
    with Wallet(media).charged(price_of("video", SECONDS)):
        made(sdk(place), place, f"{marker} mock:lost")
    assert len(media.mocks.jobs.of(marker)) == 1


@each("volces", direct=False)
def test_what_a_provider_is_asked_for_is_what_was_asked(sdk, media, marker, place):
    made(sdk(place), place, marker)
    heard = media.mocks.seen(marker, "videos")[0].heard
    assert (heard["seconds"], heard["resolution"], heard["ratio"], heard["watermark"]) == (SECONDS, "720p", "16:9", False)
    silent = sdk(place).videos.create(**video(place, f"{marker}-silent", model=place.model("video-silent"), size="1080x1920"))
    assert sdk(place).videos.poll(silent.id, poll_interval_ms=POLL_MS).status == "completed"
    heard = media.mocks.seen(f"{marker}-silent", "videos")[0].heard
    assert (heard["resolution"], heard["ratio"], heard["audio"]) == ("1080p", "9:16", False)


@each("gemini", direct=False)
def test_veo_is_asked_in_its_own_terms(sdk, media, marker, place):
    made(sdk(place), place, marker, size="720x1280")
    asked = media.mocks.seen(marker, "videos")[0].heard["parameters"]
    assert (asked["aspectRatio"], asked["resolution"], asked["durationSeconds"]) == ("9:16", "720p", SECONDS)


@each("gemini", "volces", direct=False)
@pytest.mark.parametrize(
    ("field", "value", "providers"),
    [
        ("seconds", "12", ["gemini"]),
        ("seconds", "60", ["gemini", "volces"]),
        ("seconds", "2", ["gemini", "volces"]),
    ],
)
def test_what_a_model_cannot_do_is_refused_before_it_costs_anything(sdk, media, marker, place, field, value, providers):
    if place.provider not in providers:
        return
    with untouched(media):
        refused(lambda: sdk(place).videos.create(**video(place, marker) | {field: value}), field)


