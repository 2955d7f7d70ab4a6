"""Wrong inputs for media: each is refused with 400 that names the field, before an upstream is called and before anything is charged."""

import json

import httpx2
import pytest

from media import untouched
from media_matrix import places
from mocks.media import files

PNG = files.picture("png", 64, 64)
WAV = files.sound()
PLACES = places(direct=False)
EDGE = "edge-of-the-form"


def image(**more):
    return "/images/generations", {"prompt": "A lighthouse."} | more


def video(**more):
    return "/videos", {"prompt": "Waves.", "seconds": "4", "size": "1280x720"} | more


def speech(**more):
    return "/audio/speech", {"input": "Hello", "voice": "alloy", "response_format": "wav"} | more


# what is asked, the field that must be named
BODIES = {
    "no prompt": (image(prompt=None), "prompt"),
    "blank prompt": (image(prompt=" \n"), "prompt"),
    "a prompt that is no text": (image(prompt=["A", "B"]), "prompt"),
    "a prompt that is too long": (image(prompt="x" * 40_000), "prompt"),
    "size in words": (image(size="large"), "size"),
    "size without a height": (image(size="1024x"), "size"),
    "size of nothing": (image(size="0x0"), "size"),
    "size beyond all": (image(size="99999x99999"), "size"),
    "size as a number": (image(size=1024), "size"),
    "n is nothing": (image(n=0), "n"),
    "n is below nothing": (image(n=-1), "n"),
    "n is too much": (image(n=11), "n"),
    "n is a half": (image(n=1.5), "n"),
    "n is a word": (image(n="many"), "n"),
    "quality nobody has": (image(quality="divine"), "quality"),
    "response format nobody has": (image(response_format="hologram"), "response_format"),
    "file format nobody has": (image(output_format="tiff"), "output_format"),
    "background nobody has": (image(background="sea"), "background"),
    "compression beyond all": (image(output_compression=101, output_format="jpeg"), "output_compression"),
    "stream that is no flag": (image(stream="yes"), "stream"),
    "too many drafts": (image(stream=True, partial_images=4), "partial_images"),
    "drafts below nothing": (image(stream=True, partial_images=-1), "partial_images"),
    "no prompt of a video": (video(prompt=""), "prompt"),
    "seconds in letters": (video(seconds="abc"), "seconds"),
    "seconds of nothing": (video(seconds="0"), "seconds"),
    "seconds below nothing": (video(seconds=-4), "seconds"),
    "seconds as a list": (video(seconds=[4]), "seconds"),
    "a half of a second": (video(seconds="4.5"), "seconds"),
    "an hour": (video(seconds="3600"), "seconds"),
    "size of a video in words": (video(size="wide"), "size"),
    "a reference that is no address": (video(input_reference={"image_url": "not a url"}), "input_reference"),
    "a reference that is a file here": (video(input_reference={"image_url": "file:///etc/passwd"}), "input_reference"),
    "a reference that is no picture": (video(input_reference={"image_url": "data:image/png;base64,AAAA"}), "input_reference"),
    "a reference that is no base64": (video(input_reference={"image_url": "data:image/png;base64,%%%"}), "input_reference"),
    "no input of speech": (speech(input=""), "input"),
    "input of speech that is too long": (speech(input="x" * 4097), "input"),
    "no voice": (speech(voice=""), "voice"),
    "too fast": (speech(speed=9), "speed"),
    "too slow": (speech(speed=0.1), "speed"),
    "sound format nobody has": (speech(response_format="midi"), "response_format"),
    "stream format nobody has": (speech(stream_format="smoke"), "stream_format"),
}


@pytest.fixture
def send(media):
    """Posts to the gateway; gives the answer, which must not have cost or called anything."""

    def post(path, **more):
        headers = {"authorization": f"Bearer {media.key}"} | more.pop("headers", {})
        with untouched(media):
            return httpx2.post(f"{media.url}/v1{path}", headers=headers, timeout=30, **more)

    return post


def names(answer, field, statuses=(400,)):
    assert answer.status_code in statuses, f"{answer.status_code}: {answer.text[:300]}"
    error = answer.json()["error"]
    assert error["code"] in ("bad_request", "capability_unsupported", "request_too_large"), error
    assert field in (error["param"] or "") or field in error["message"], f"it does not name {field}: {error}"


def model_of(place, path):
    return place.model("image" if "images" in path else "video" if "videos" in path else "speech" if "speech" in path else "transcribe")


@pytest.mark.parametrize("place", PLACES, ids=str)
@pytest.mark.parametrize("case", BODIES)
def test_a_wrong_field_is_refused(send, place, case):
    (path, body), field = BODIES[case]
    if case == "input of speech that is too long" and place.provider != "openai" or case == "an hour" and place.provider == "simulation":
        pytest.skip("it is no limit of this provider")
    given = {name: value for name, value in body.items() if value is not None}
    names(send(path, json={"model": model_of(place, path)} | given), field)


def form(fields, parts, end=True):
    """A form by hand, so that it can be wrong."""
    pieces = [f'--{EDGE}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode() for name, value in fields]
    for name, filename, kind, data in parts:
        head = f'--{EDGE}\r\nContent-Disposition: form-data; name="{name}"; filename="{filename}"\r\nContent-Type: {kind}\r\n\r\n'
        pieces.append(head.encode() + data + b"\r\n")
    whole = b"".join(pieces) + f"--{EDGE}--\r\n".encode()
    return whole if end else whole[: len(whole) * 2 // 3]


EDIT = [("prompt", "A red roof.")]
IMAGE = ("image[]", "a.png", "image/png", PNG)
# path, fields, files, the field that must be named
FORMS = {
    "a mask without an image": ("/images/edits", EDIT, [("mask", "m.png", "image/png", files.mask(64, 64))], "image"),
    "no image at all": ("/images/edits", EDIT, [], "image"),
    "seventeen images": ("/images/edits", EDIT, [IMAGE] * 17, "image"),
    "an image that is none": ("/images/edits", EDIT, [("image", "a.png", "image/png", b"no picture at all")], "image"),
    "an image that is a program": ("/images/edits", EDIT, [("image", "a.exe", "application/octet-stream", b"MZ" + bytes(100))], "image"),
    "an image that is a sound": ("/images/edits", EDIT, [("image", "a.png", "image/png", WAV)], "image"),
    "an empty image": ("/images/edits", EDIT, [("image", "a.png", "image/png", b"")], "image"),
    "a mask of another size": ("/images/edits", EDIT, [IMAGE, ("mask", "m.png", "image/png", files.mask(32, 32))], "mask"),
    "a mask that is none": ("/images/edits", EDIT, [IMAGE, ("mask", "m.png", "image/png", b"nothing")], "mask"),
    "two masks": ("/images/edits", EDIT, [IMAGE] + [("mask", "m.png", "image/png", files.mask(64, 64))] * 2, "mask"),
    "no prompt": ("/images/edits", [], [IMAGE], "prompt"),
    "n in letters": ("/images/edits", [*EDIT, ("n", "two")], [IMAGE], "n"),
    "n is too much": ("/images/edits", [*EDIT, ("n", "11")], [IMAGE], "n"),
    "stream that is no flag": ("/images/edits", [*EDIT, ("stream", "perhaps")], [IMAGE], "stream"),
    "seconds in letters": ("/videos", [("prompt", "Waves."), ("seconds", "abc")], [], "seconds"),
    "a reference that is none": ("/videos", [("prompt", "Waves."), ("seconds", "4")], [("input_reference", "a.png", "image/png", b"no picture")], "input_reference"),
    "a reference that is a sound": ("/videos", [("prompt", "Waves."), ("seconds", "4")], [("input_reference", "a.wav", "audio/wav", WAV)], "input_reference"),
    "no sound": ("/audio/transcriptions", [("language", "de")], [], "file"),
    "an empty sound": ("/audio/transcriptions", [], [("file", "a.wav", "audio/wav", b"")], "file"),
    "a sound that is a picture": ("/audio/transcriptions", [], [("file", "a.png", "image/png", PNG)], "file"),
    "a form of text nobody has": ("/audio/transcriptions", [("response_format", "poem")], [("file", "a.wav", "audio/wav", WAV)], "response_format"),
    "a temperature in letters": ("/audio/transcriptions", [("temperature", "warm")], [("file", "a.wav", "audio/wav", WAV)], "temperature"),
}


@pytest.mark.parametrize("place", PLACES, ids=str)
@pytest.mark.parametrize("case", FORMS)
def test_a_wrong_form_is_refused(send, place, case):
    path, fields, parts, field = FORMS[case]
    body = form([("model", model_of(place, path)), *fields], parts)
    names(send(path, content=body, headers={"content-type": f"multipart/form-data; boundary={EDGE}"}), field)


# Bytes that are no form, and what the message must say of them.
BROKEN = {
    "cut off": (form([("model", "openai/image"), *EDIT], [IMAGE], end=False), f"multipart/form-data; boundary={EDGE}", ""),
    "cut off in its last line": (form([("model", "openai/image"), *EDIT], [IMAGE])[:-6], f"multipart/form-data; boundary={EDGE}", ""),
    "another boundary": (form([("model", "openai/image"), *EDIT], [IMAGE]), "multipart/form-data; boundary=other", ""),
    "no boundary": (form([("model", "openai/image"), *EDIT], [IMAGE]), "multipart/form-data", "boundary"),
    "a boundary without end": (b"x", f"multipart/form-data; boundary={'x' * 1000}", "boundary"),
    "nothing": (b"", f"multipart/form-data; boundary={EDGE}", ""),
    "JSON that says it is a form": (json.dumps({"model": "openai/image", "prompt": "x"}).encode(), f"multipart/form-data; boundary={EDGE}", ""),
    "a part without a name": (f"--{EDGE}\r\nContent-Type: text/plain\r\n\r\nx\r\n--{EDGE}--\r\n".encode(), f"multipart/form-data; boundary={EDGE}", "name"),
    "a part whose headers don't end": (f"--{EDGE}\r\nContent-Disposition: form-data; name=\"{'n' * 100_000}".encode(), f"multipart/form-data; boundary={EDGE}", ""),
    "a hundred parts": (form([("model", "openai/image"), *EDIT] + [(f"field-{at}", "x") for at in range(100)], [IMAGE]), f"multipart/form-data; boundary={EDGE}", "part"),
    "a hundred images": (form([("model", "openai/image"), *EDIT], [IMAGE] * 100), f"multipart/form-data; boundary={EDGE}", ""),
}


@pytest.mark.parametrize("path", ["/images/edits", "/videos", "/audio/transcriptions"])
@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_form_is_refused(send, case, path):
    body, content_type, says = BROKEN[case]
    answer = send(path, content=body, headers={"content-type": content_type})
    assert answer.status_code == 400, f"{answer.status_code}: {answer.text[:300]}"
    error = answer.json()["error"]
    assert error["code"] == "bad_request" and says in error["message"], error


@pytest.mark.parametrize("path", ["/images/generations", "/images/edits", "/videos", "/audio/speech", "/audio/transcriptions"])
@pytest.mark.parametrize("content_type", ["text/plain", "application/xml", None])
def test_a_body_of_another_type_is_refused(send, path, content_type):
    answer = send(path, content=b"<prompt>hi</prompt>", headers={} if content_type is None else {"content-type": content_type})
    assert answer.status_code in (400, 415) and answer.json()["error"]["code"] == "bad_request"


@pytest.mark.parametrize("path", ["/images/generations", "/videos", "/audio/speech"])
def test_no_model_is_refused(send, path):
    names(send(path, json={"prompt": "x", "input": "x", "voice": "alloy"}), "model")


def test_speech_can_not_be_asked_of_a_model_that_draws(send):
    answer = send("/audio/speech", json={"model": "openai/image", "input": "Hello", "voice": "alloy"})
    assert answer.json()["error"]["code"] in ("model_not_found", "capability_unsupported", "no_candidate"), answer.text
