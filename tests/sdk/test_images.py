"""Images with OpenAI's SDK: made and edited, as base64, as a URL, streamed; at every provider that can."""

import base64
import re
from decimal import Decimal

import httpx2
import pytest

from conftest import call
from media import Wallet, files_of, opened, refused, untouched
from media_matrix import places, price_of
from mocks.media import files

SIZE = "1024x1536"
# What each provider makes of it.
MADE = {"openai": (1024, 1536), "simulation": (1024, 1536), "gemini": (682, 1024), "volces": (1664, 2496)}


def each(*providers, direct=True):
    return pytest.mark.parametrize("place", places(*providers, direct=direct), ids=str)


def picture_of(image):
    return opened(base64.b64decode(image.b64_json))


def asked(media_mocks, place, marker, *names):
    """What the upstream understood, one dict a call; the simulation asks nobody."""
    return [] if place.provider == "simulation" else [call.heard for call in media_mocks.seen(marker, *names)]


@each()
def test_an_image_is_made_as_base64(sdk, media_mocks, marker, place):
    more = {} if place.direct else {"response_format": "b64_json"}
    answer = sdk(place).images.generate(model=place.model("image"), prompt=f"A lighthouse. {marker}", size=SIZE, **more)
    assert len(answer.data) == 1 and answer.data[0].url is None and answer.created > 1_600_000_000
    assert picture_of(answer.data[0]).size == MADE[place.provider]
    if place.provider == "openai":
        assert (answer.size, answer.output_format, answer.usage.output_tokens) == (SIZE, "png", 1056)
    for heard in asked(media_mocks, place, marker):
        # A real gpt-image refuses `response_format`, and Seedream draws a mark into what does not forbid it.
        assert marker in heard["prompt"] and heard.get("watermark") in (None, False)


@each(direct=False)
def test_an_image_is_given_as_a_url_of_the_gateway(sdk, media, marker, place):
    answer = sdk(place).images.generate(model=place.model("image"), prompt=f"A lighthouse. {marker}", response_format="url")
    assert answer.data[0].b64_json is None
    url = answer.data[0].url
    assert url.startswith(media.url), url
    got = httpx2.get(url)
    assert (got.status_code, got.headers["x-content-type-options"]) == (200, "nosniff")
    assert got.headers["content-type"] == f"image/{opened(got.content).format.lower()}"


@each("openai", direct=False)
def test_an_image_that_its_upstream_gives_by_url_is_fetched_once(sdk, media, marker, place):
    model = place.model("image-by-url")
    by_url = sdk(place).images.generate(model=model, prompt=f"A lighthouse. {marker}", response_format="url", size=SIZE)
    assert by_url.data[0].url.startswith(media.url)
    assert opened(httpx2.get(by_url.data[0].url).content).size == (1024, 1536)
    as_text = sdk(place).images.generate(model=model, prompt=f"Another. {marker}", response_format="b64_json", size=SIZE)
    assert picture_of(as_text.data[0]).size == (1024, 1536)


@each(direct=False)
def test_a_url_can_be_read_in_parts_and_not_by_guessing(sdk, media, marker, place):
    url = sdk(place).images.generate(model=place.model("image"), prompt=f"A lighthouse. {marker}", response_format="url").data[0].url
    whole = httpx2.get(url)
    part = httpx2.get(url, headers={"range": "bytes=0-7"})
    assert (part.status_code, part.content) == (206, whole.content[:8])
    assert part.headers["content-range"] == f"bytes 0-7/{len(whole.content)}"
    again = httpx2.get(url, headers={"if-none-match": whole.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    beyond = httpx2.get(url, headers={"range": f"bytes={len(whole.content)}-"})
    assert beyond.status_code == 416
    forged = httpx2.get(re.sub(r"(?<=[=/])[0-9A-Za-z_-](?=[0-9A-Za-z_-]*$)", lambda found: "B" if found[0] == "A" else "A", url))
    assert forged.status_code in (401, 403, 404)


@each("openai", "simulation")
def test_drafts_are_streamed_before_the_image(sdk, marker, place):
    stream = sdk(place).images.generate(model=place.model("image"), prompt=f"A lighthouse. {marker}", size=SIZE, stream=True, partial_images=3)
    events = list(stream)
    drafts, last = events[:-1], events[-1]
    assert [event.type for event in drafts] == ["image_generation.partial_image"] * len(drafts)
    assert 1 <= len(drafts) <= 3 and [event.partial_image_index for event in drafts] == list(range(len(drafts)))
    assert last.type == "image_generation.completed" and picture_of(last).size == (1024, 1536)
    assert all(picture_of(event) for event in drafts)


@each(direct=False)
def test_an_image_that_was_streamed_is_kept_without_its_drafts(sdk, media, marker, place):
    asked = {"model": place.model("image"), "prompt": f"A lighthouse. {marker}", "stream": True, "partial_images": 2}
    answer = sdk(place).images.with_raw_response.generate(**asked)
    last = list(answer.parse())[-1]
    task = call(f"{media.url}/api/v1/tasks/{answer.headers['x-easyai-task-id']}", headers={"Authorization": f"Bearer {media.key}"})
    assert [httpx2.get(url).content for url in files_of(task)] == [base64.b64decode(last.b64_json)]


@each("gemini", "volces", direct=False)
def test_a_stream_of_an_upstream_without_drafts_has_the_image_alone(sdk, media, marker, place):
    with Wallet(media).charged(price_of("image", 1)):
        events = list(sdk(place).images.generate(model=place.model("image"), prompt=f"A lighthouse. {marker}", stream=True, partial_images=2))
    assert [event.type for event in events] == ["image_generation.completed"]
    assert picture_of(events[0])


@each()
def test_several_images_are_made(sdk, media_mocks, marker, place):
    more = {} if place.direct else {"response_format": "b64_json"}
    answer = sdk(place).images.generate(model=place.model("image"), prompt=f"A lighthouse. {marker}", n=3, **more)
    assert len(answer.data) == 3 and all(picture_of(image) for image in answer.data)
    if place.provider == "gemini":
        assert len(media_mocks.seen(marker)) == 3, "a call an image: its provider makes one at a time"
    elif place.provider != "simulation":
        assert [heard["n"] for heard in asked(media_mocks, place, marker)] == [3]


@each(direct=False)
def test_images_are_charged_by_what_came(sdk, media, marker, place):
    with Wallet(media).charged(price_of("image", 2)):
        sdk(place).images.generate(model=place.model("image"), prompt=f"A lighthouse. {marker}", n=2)


@each("volces", direct=False)
def test_an_image_that_fails_among_others_is_not_charged(sdk, media, marker, place):
    with Wallet(media).charged(price_of("image", 3)):
        answer = sdk(place).images.generate(model=place.model("image"), prompt=f"A lighthouse. {marker} mock:item-fails", n=4, response_format="b64_json")
    assert len([image for image in answer.data if image.b64_json]) == 3


@each("gemini", "volces", direct=False)
@pytest.mark.parametrize("fate", ["all-fail", "refuse"])
def test_an_answer_without_images_is_a_failure_by_content(sdk, media, marker, place, fate):
    with Wallet(media).charged(0):
        failure = refused(
            lambda: sdk(place).images.generate(model=place.model("image"), prompt=f"A lighthouse. {marker} mock:{fate}"), "", codes=("content_filter",)
        )
    assert failure.response.headers["x-easyai-task-id"].startswith("task_")
    assert len(media.mocks.seen(marker)) == 1, "nobody else is asked what one found improper"


@each()
def test_two_images_are_edited_in_their_order(sdk, media_mocks, marker, place):
    first, second = files.picture("png", 320, 320, 1), files.picture("jpeg", 400, 320, 2)
    given = [("first.png", first, "image/png"), ("second.jpg", second, "image/jpeg")]
    answer = sdk(place).images.edit(model=place.model("image"), image=given, prompt=f"Put the first on the second. {marker}")
    assert picture_of(answer.data[0]) if answer.data[0].b64_json else httpx2.get(answer.data[0].url).status_code == 200
    for heard in asked(media_mocks, place, marker):
        seen = [image[-1] if isinstance(image[-1], tuple) else image for image in heard["images"]]
        assert seen == [(320, 320), (400, 320)]


@each("openai", "simulation")
def test_two_images_are_edited_with_a_mask(sdk, media_mocks, marker, place):
    given = [("first.png", files.picture("png", 320, 320, 1), "image/png"), ("second.png", files.picture("png", 320, 320, 2), "image/png")]
    mask = ("mask.png", files.mask(320, 320), "image/png")
    answer = sdk(place).images.edit(model=place.model("image"), image=given, mask=mask, prompt=f"A red roof. {marker}", n=2, size=SIZE)
    assert len(answer.data) == 2
    for heard in asked(media_mocks, place, marker):
        assert (heard["images"], heard["mask"], heard["n"]) == ([(320, 320), (320, 320)], True, 2)


@each("gemini", "volces", direct=False)
def test_a_mask_is_refused_where_nobody_can_use_it(sdk, media, marker, place):
    given, mask = ("first.png", files.picture("png", 320, 320), "image/png"), ("mask.png", files.mask(320, 320), "image/png")
    with untouched(media):
        refused(lambda: sdk(place).images.edit(model=place.model("image"), image=given, mask=mask, prompt=f"A red roof. {marker}"), "mask")


@each("openai", "gemini", "volces", "simulation", direct=False)
def test_images_are_edited_by_json_too(media, marker, place):
    image = "data:image/png;base64," + base64.b64encode(files.picture("png", 320, 320)).decode()
    body = {"model": place.model("image"), "prompt": f"A red roof. {marker}", "images": [{"image_url": image}, {"image_url": image}]}
    headers = {"authorization": f"Bearer {media.key}"}
    with Wallet(media).charged(price_of("image", 1)):
        answer = httpx2.post(f"{media.url}/v1/images/edits", json=body, headers=headers, timeout=60)
    assert answer.status_code == 200, answer.text
    assert len(answer.json()["data"]) == 1
    for heard in asked(media.mocks, place, marker):
        assert len(heard["images"]) == 2


@each("gemini", direct=False)
def test_a_picture_at_a_url_is_fetched_where_its_provider_wants_bytes(media, marker, place):
    url = media.mocks.store.sign(files.picture("png", 300, 200), "png")
    body = {"model": place.model("image"), "prompt": f"A red roof. {marker}", "images": [{"image_url": url}]}
    answer = httpx2.post(f"{media.url}/v1/images/edits", json=body, headers={"authorization": f"Bearer {media.key}"}, timeout=60)
    assert answer.status_code == 200, answer.text
    assert [heard["images"] for heard in asked(media.mocks, place, marker)] == [[("image/png", (300, 200))]]
    assert media.mocks.store.fetches(url) == 1


@each("gemini", direct=False)
@pytest.mark.parametrize("lies", ["html", "missing"])
def test_a_url_without_a_picture_is_refused_by_name(media, marker, place, lies):
    url = media.mocks.store.sign(b"<html>Sign in</html>", "png") if lies == "html" else f"{media.mocks.store.url}/nowhere.png"
    body = {"model": place.model("image"), "prompt": f"A red roof. {marker}", "images": [{"image_url": url}]}
    with untouched(media):
        answer = httpx2.post(f"{media.url}/v1/images/edits", json=body, headers={"authorization": f"Bearer {media.key}"}, timeout=60)
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (400, "bad_request") and "image" in (error["param"] or "") + error["message"]


@each("openai", "simulation")
def test_an_edit_is_streamed(sdk, marker, place):
    given = [("first.png", files.picture("png", 320, 320), "image/png")]
    events = list(sdk(place).images.edit(model=place.model("image"), image=given, prompt=f"A red roof. {marker}", stream=True, partial_images=1))
    assert [event.type for event in events] == ["image_edit.partial_image", "image_edit.completed"]
    assert picture_of(events[-1])


@each("openai")
def test_the_file_format_is_the_one_that_was_asked_for(sdk, marker, place):
    for form in ("jpeg", "webp"):
        answer = sdk(place).images.generate(model=place.model("image"), prompt=f"A lighthouse. {marker}", output_format=form)
        data = base64.b64decode(answer.data[0].b64_json) if answer.data[0].b64_json else httpx2.get(answer.data[0].url).content
        assert opened(data).format == form.upper()


@each("volces", direct=False)
def test_a_size_below_the_models_least_is_scaled_up_and_told(sdk, media_mocks, marker, place):
    answer = sdk(place).images.generate(model=place.model("image"), prompt=f"A lighthouse. {marker}", size="1024x1024", response_format="b64_json")
    assert picture_of(answer.data[0]).size == (2048, 2048) and answer.size == "2048x2048"
    within = sdk(place).images.generate(model=place.model("image-pro"), prompt=f"On pro. {marker}", size="1024x1024", response_format="b64_json")
    assert picture_of(within.data[0]).size == (1024, 1024)


@each("gemini", direct=False)
def test_the_older_model_gets_no_image_size(sdk, media_mocks, marker, place):
    sdk(place).images.generate(model=place.model("image-old"), prompt=f"A lighthouse. {marker}", size=SIZE)
    assert [heard["config"]["imageConfig"] for heard in asked(media_mocks, place, marker)] == [{"aspectRatio": "2:3"}]


@each("openai", direct=False)
def test_a_refusal_of_the_upstream_is_told_and_costs_nothing(sdk, media, marker, place):
    with Wallet(media).charged(0):
        refused(lambda: sdk(place).images.generate(model=place.model("image"), prompt=f"{marker} mock:refuse"), "", codes=("content_filter",))


@each(direct=False)
def test_a_task_tells_what_was_made(sdk, media, marker, place):
    response = sdk(place).images.with_raw_response.generate(model=place.model("image"), prompt=f"A lighthouse. {marker}", n=2)
    task = httpx2.get(f"{media.url}/api/v1/tasks/{response.headers['x-easyai-task-id']}", headers={"authorization": f"Bearer {media.key}"}).json()
    assert (task["kind"], task["model"], task["status"]) == ("images.generations", place.model("image"), "succeeded")
    assert Decimal(task["charge"]) == price_of("image", 2)
