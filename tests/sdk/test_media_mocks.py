"""The mocks of media themselves: what they take, make and refuse is what `providers.md` says of the real ones.

OpenAI's is proved by the `direct` places of the other tests, too; Google's by its SDK; Ark and its speech service have none here.
"""

import base64
import json
import time
import uuid

import httpx2
import pytest
from google import genai
from google.genai import errors, types

from media import opened, until
from mocks import SECRET
from mocks.media import files

PNG = "data:image/png;base64," + base64.b64encode(files.picture("png", 320, 320)).decode()


@pytest.fixture
def ark(media_mocks):
    with httpx2.Client(base_url=f"{media_mocks.url}/volces/api/v3", headers={"authorization": f"Bearer {SECRET}"}, timeout=20) as client:
        yield client


@pytest.fixture
def google(media_mocks):
    return genai.Client(api_key=SECRET, http_options={"base_url": f"{media_mocks.url}/gemini"})


@pytest.fixture
def post(media_mocks):
    """Posts to OpenAI's mock: JSON, or a form with files."""
    with httpx2.Client(base_url=f"{media_mocks.url}/openai/v1", headers={"authorization": f"Bearer {SECRET}"}, timeout=20) as client:
        yield lambda path, **more: client.post(path, **more)


def code_of(answer):
    return answer.status_code, answer.json()["error"]["code"], answer.json()["error"]["param"]


SQUARE = ("a.png", files.picture("png", 64, 64), "image/png")
SOUND = ("a.wav", files.sound(), "audio/wav")
IMAGE = {"model": "gpt-image-1.5", "prompt": "A lighthouse."}
VIDEO = {"model": "sora-2", "prompt": "A lighthouse."}
SPEECH = {"model": "gpt-4o-mini-tts", "input": "Hello", "voice": "alloy"}


@pytest.mark.parametrize(
    ("path", "given", "expected"),
    [
        ("/images/generations", {"json": IMAGE | {"response_format": "b64_json"}}, (400, "unknown_parameter", "response_format")),
        ("/images/generations", {"json": IMAGE | {"n": 11}}, (400, "integer_above_max_value", "n")),
        ("/images/generations", {"json": IMAGE | {"n": "2"}}, (400, "invalid_type", "n")),
        ("/images/generations", {"json": IMAGE | {"size": "1000x1000"}}, (400, "invalid_value", "size")),
        ("/images/generations", {"json": IMAGE | {"partial_images": 2}}, (400, None, "partial_images")),
        ("/images/generations", {"json": IMAGE | {"prompt": " "}}, (400, "missing_required_parameter", "prompt")),
        ("/images/edits", {"data": IMAGE, "files": [("image", ("a.png", SQUARE[1], "application/octet-stream"))]}, (400, "unsupported_file_mimetype", "image")),
        ("/images/edits", {"data": IMAGE, "files": [("image", ("a.png", b"no picture", "image/png"))]}, (400, "invalid_image_file", "image")),
        ("/images/edits", {"data": IMAGE, "files": [("image[]", SQUARE)] * 17}, (400, "array_above_max_length", "image")),
        ("/images/edits", {"data": IMAGE, "files": [("image", SQUARE), ("mask", ("m.png", files.mask(32, 32), "image/png"))]}, (400, None, "mask")),
        ("/images/edits", {"data": IMAGE, "files": [("mask", SQUARE)]}, (400, "missing_required_parameter", "image")),
        ("/images/edits", {"data": IMAGE | {"n": "two"}, "files": [("image", SQUARE)]}, (400, "invalid_type", "n")),
        ("/videos", {"json": VIDEO | {"seconds": 4}}, (400, "invalid_type", "seconds")),
        ("/videos", {"json": VIDEO | {"seconds": "5"}}, (400, "invalid_value", "seconds")),
        ("/videos", {"json": VIDEO | {"size": "1792x1024"}}, (400, "invalid_value", "size")),
        ("/videos", {"json": VIDEO | {"aspect_ratio": "16:9"}}, (400, "unknown_parameter", "aspect_ratio")),
        ("/videos", {"data": VIDEO, "files": [("input_reference", SQUARE)]}, (400, None, "input_reference")),
        ("/audio/speech", {"json": SPEECH | {"input": "x" * 4097}}, (400, "string_above_max_length", "input")),
        ("/audio/speech", {"json": SPEECH | {"speed": 5}}, (400, "decimal_above_max_value", "speed")),
        ("/audio/speech", {"json": SPEECH | {"response_format": "ogg"}}, (400, "invalid_value", "response_format")),
        ("/audio/speech", {"json": SPEECH | {"model": "tts-1", "stream_format": "sse"}}, (400, "unsupported_value", "stream_format")),
        ("/audio/transcriptions", {"data": {"model": "gpt-4o-transcribe", "response_format": "srt"}, "files": {"file": SOUND}}, (400, "unsupported_value", "response_format")),
        ("/audio/transcriptions", {"data": {"model": "whisper-1"}, "files": {"file": ("a.txt", b"text", "text/plain")}}, (400, "unsupported_value", "file")),
        ("/audio/transcriptions", {"data": {"model": "whisper-1"}, "files": {"file": ("a.wav", b"text", "audio/wav")}}, (400, "invalid_value", "file")),
        ("/audio/translations", {"data": {"model": "gpt-4o-transcribe"}, "files": {"file": SOUND}}, (400, "invalid_value", "model")),
    ],
)
def test_openai_refuses_in_its_own_words(post, path, given, expected):
    assert code_of(post(path, **given)) == expected


def test_openai_takes_only_its_key(media_mocks):
    answer = httpx2.post(f"{media_mocks.url}/openai/v1/images/generations", json=IMAGE, headers={"authorization": "Bearer sk-wrong"})
    assert code_of(answer) == (401, "invalid_api_key", None)


def test_a_form_that_is_cut_off_is_refused(post):
    body = b'--x\r\nContent-Disposition: form-data; name="prompt"\r\n\r\nhi'
    answer = post("/images/edits", content=body, headers={"content-type": "multipart/form-data; boundary=x"})
    assert answer.status_code == 400 and "does not end" in answer.text


def test_gemini_draws(google, media_mocks, marker):
    config = types.GenerateContentConfig(response_modalities=["TEXT", "IMAGE"], image_config=types.ImageConfig(aspect_ratio="16:9", image_size="1K"))
    image = types.Part.from_bytes(data=files.picture("png", 64, 64), mime_type="image/png")
    answer = google.models.generate_content(model="gemini-3-pro-image-preview", contents=[image, f"A roof. {marker}"], config=config)
    shown = [part for part in answer.candidates[0].content.parts if part.inline_data and not part.thought]
    assert len(shown) == 1 and opened(shown[0].inline_data.data).size == (1024, 576)
    assert answer.usage_metadata.candidates_token_count == 1120
    assert media_mocks.seen(marker)[0].heard["images"] == [("image/png", (64, 64))]
    with pytest.raises(errors.ClientError, match="image_size is not supported"):
        google.models.generate_content(model="gemini-2.5-flash-image", contents="A roof.", config=config)


def test_gemini_speaks_and_listens(google):
    voice = types.SpeechConfig(voice_config=types.VoiceConfig(prebuilt_voice_config=types.PrebuiltVoiceConfig(voice_name="Kore")))
    speaking = types.GenerateContentConfig(response_modalities=["AUDIO"], speech_config=voice)
    answer = google.models.generate_content(model="gemini-2.5-flash-preview-tts", contents="Hello", config=speaking)
    sound = answer.candidates[0].content.parts[0].inline_data
    assert (sound.mime_type, len(sound.data)) == ("audio/L16;codec=pcm;rate=24000", 48_000)
    with pytest.raises(errors.ClientError, match="AUDIO"):
        google.models.generate_content(model="gemini-2.5-flash-preview-tts", contents="Hello")
    heard = google.models.generate_content(model="gemini-3-flash-preview", contents=["Write it down.", types.Part.from_bytes(data=files.sound(), mime_type="audio/wav")])
    assert heard.text.startswith("Grüße")


def test_veo_makes_a_video_that_only_the_key_opens(media_mocks, marker):
    # By hand: the newest google-genai has no way to Veo on the Developer API.
    root, key = f"{media_mocks.url}/gemini/v1beta", {"x-goog-api-key": SECRET}
    body = {"instances": [{"prompt": f"Waves. {marker}"}], "parameters": {"aspectRatio": "16:9", "resolution": "720p", "durationSeconds": 4}}
    name = httpx2.post(f"{root}/models/veo-3.1-generate-preview:predictLongRunning", json=body, headers=key).json()["name"]

    def done():
        operation = httpx2.get(f"{root}/{name}", headers=key).json()
        return operation if operation.get("done") else None

    uri = until(done)["response"]["generateVideoResponse"]["generatedSamples"][0]["video"]["uri"]
    assert httpx2.get(uri).status_code == 400, "not without the key"
    where = httpx2.get(uri, headers=key).headers["location"]
    assert httpx2.get(where, headers=key).status_code == 400, "the key has no business at the other origin"
    assert httpx2.get(where).content == files.CLIP
    job = media_mocks.jobs.of(marker)[0]
    assert job.fetches == 1 and job.polls >= 2


@pytest.mark.parametrize(
    ("parameters", "says"),
    [
        ({"durationSeconds": 12}, "durationSeconds"),
        ({"durationSeconds": "4"}, "number"),
        ({"durationSeconds": 4, "resolution": "1080p"}, "must be 8"),
        ({"generateAudio": True}, "generateAudio"),
        ({"seed": 7}, "seed"),
        ({"aspectRatio": "1:1"}, "aspectRatio"),
    ],
)
def test_veo_refuses_what_is_not_its_own(media_mocks, parameters, says):
    body = {"instances": [{"prompt": "Waves."}], "parameters": parameters}
    url = f"{media_mocks.url}/gemini/v1beta/models/veo-3.1-generate-preview:predictLongRunning"
    answer = httpx2.post(url, json=body, headers={"x-goog-api-key": SECRET})
    assert (answer.status_code, answer.json()["error"]["status"]) == (400, "INVALID_ARGUMENT") and says in answer.text


def test_seedream_makes_a_group_of_which_one_fails(ark, media_mocks):
    body = {"model": "doubao-seedream-4-5-251128", "prompt": "Boats mock:item-fails", "size": "2K", "watermark": False, "sequential_image_generation": "auto"}
    answer = ark.post("/images/generations", json=body | {"sequential_image_generation_options": {"max_images": 3}, "image": [PNG]}).json()
    assert [sorted(item) for item in answer["data"]] == [["size", "url"], ["error"], ["size", "url"]]
    assert answer["usage"] == {"generated_images": 2, "output_tokens": 2 * 16384, "total_tokens": 2 * 16384}
    url = answer["data"][0]["url"]
    assert opened(httpx2.get(url).content).size == (2048, 2048)
    assert httpx2.get(url, headers={"authorization": f"Bearer {SECRET}"}).status_code == 400
    assert httpx2.get(url.replace("%7E", "~")).status_code == 403


@pytest.mark.parametrize(
    ("more", "param"),
    [
        ({"size": "1024x1024"}, "size"),
        ({"n": 2}, "n"),
        ({"output_format": "png"}, "output_format"),
        ({"image": ["data:image/PNG;base64,AAAA"]}, "image"),
        ({"seed": 5}, "seed"),
    ],
)
def test_seedream_refuses_what_is_not_its_own(ark, more, param):
    answer = ark.post("/images/generations", json={"model": "doubao-seedream-4-5-251128", "prompt": "Boats"} | more)
    assert answer.status_code == 400 and answer.json()["error"]["param"] == param


def test_seedance_is_polled_listed_cancelled_and_deleted(ark, media_mocks, marker):
    content = [{"type": "text", "text": f"Waves {marker}"}, {"type": "image_url", "image_url": {"url": PNG}, "role": "first_frame"}]
    body = {"model": "doubao-seedance-1-5-pro-251215", "content": content, "resolution": "720p", "duration": 4, "watermark": False}
    id = ark.post("/contents/generations/tasks", json=body).json()["id"]
    assert ark.get("/contents/generations/tasks", params={"filter.task_ids": id}).json()["items"][0]["id"] == id
    poll = lambda: ark.get(f"/contents/generations/tasks/{id}").json()
    until(lambda: poll()["status"] == "running")
    assert ark.delete(f"/contents/generations/tasks/{id}").status_code == 409
    done = until(lambda: poll() if poll()["status"] == "succeeded" else None)
    assert done["usage"]["completion_tokens"] == 1280 * 720 * 97 // 1024
    assert httpx2.get(done["content"]["video_url"]).content == files.CLIP
    assert ark.delete(f"/contents/generations/tasks/{id}").status_code == 200
    assert ark.get(f"/contents/generations/tasks/{id}").json()["error"]["code"] == "NotFound.TaskNotFound"
    queued = ark.post("/contents/generations/tasks", json=body | {"content": [{"type": "text", "text": "mock:seconds=60"}]}).json()["id"]
    assert ark.delete(f"/contents/generations/tasks/{queued}").status_code == 200
    assert ark.get(f"/contents/generations/tasks/{queued}").json()["status"] == "cancelled"


@pytest.mark.parametrize(
    ("more", "param"),
    [
        ({"duration": 3}, "duration"),
        ({"duration": "5"}, "duration"),
        ({"resolution": "4k"}, "resolution"),
        ({"ratio": "adaptive"}, "ratio"),
        ({"seconds": 5}, "seconds"),
        ({"camera_fixed": True}, "frames"),
    ],
)
def test_seedance_refuses_what_is_not_its_own(ark, more, param):
    body = {"model": "doubao-seedance-1-5-pro-251215", "content": [{"type": "text", "text": "Waves"}]}
    answer = ark.post("/contents/generations/tasks", json=body | more)
    assert answer.status_code == 400 and answer.json()["error"]["param"] == param


def test_a_lost_submission_was_accepted_all_the_same(ark, media_mocks, marker):
    body = {"model": "doubao-seedance-1-5-pro-251215", "content": [{"type": "text", "text": f"{marker} mock:lost"}]}
    with pytest.raises(httpx2.TransportError):
        ark.post("/contents/generations/tasks", json=body)
    assert len(media_mocks.jobs.of(marker)) == 1


@pytest.mark.parametrize(("word", "status", "length"), [("no-file", 503, 15), ("expired", 403, None), ("inwards", 302, 0), ("web-page", 200, 57), ("empty", 200, 0)])
def test_a_file_is_spoiled_as_often_as_its_prompt_says(ark, marker, word, status, length):
    body = {"model": "doubao-seedance-1-5-pro-251215", "content": [{"type": "text", "text": f"{marker} mock:seconds=0.01 mock:{word}=1"}]}
    id = ark.post("/contents/generations/tasks", json=body).json()["id"]
    url = until(lambda: ark.get(f"/contents/generations/tasks/{id}").json().get("content"))["video_url"]
    first = httpx2.get(url)
    assert first.status_code == status and length in (None, len(first.content))
    assert httpx2.get(url).content == files.CLIP


def test_a_file_breaks_off_in_the_middle(post, media_mocks):
    id = post("/videos", json=VIDEO | {"prompt": "mock:seconds=0.01 mock:short=1"}).json()["id"]
    until(lambda: media_mocks.jobs.get(id).state == "succeeded")
    url, headers = f"{media_mocks.url}/openai/v1/videos/{id}/content", {"authorization": f"Bearer {SECRET}"}
    with pytest.raises(httpx2.RemoteProtocolError):
        httpx2.get(url, headers=headers)
    assert httpx2.get(url, headers=headers).content == files.CLIP


def speech_headers(resource, **more):
    return {"x-api-key": SECRET, "x-api-resource-id": resource, "x-api-request-id": str(uuid.uuid4())} | more


def test_openspeech_speaks_by_lines_of_json(media_mocks):
    url = f"{media_mocks.url}/openspeech/api/v3/tts/unidirectional"
    asked = {"text": "Hello", "speaker": "zh_female", "audio_params": {"format": "pcm", "sample_rate": 24000}}
    headers = speech_headers("seed-tts-2.0", **{"x-control-require-usage-tokens-return": "*"})
    answer = httpx2.post(url, json={"user": {"uid": "u"}, "req_params": asked}, headers=headers)
    lines = [json.loads(line) for line in answer.text.splitlines()]
    assert b"".join(base64.b64decode(line["data"]) for line in lines[:-1]) == files.sound("pcm")
    assert (lines[-1]["code"], lines[-1]["usage"]) == (20_000_000, {"text_words": 5})
    wrong = httpx2.post(url, json={"user": {"uid": "u"}, "req_params": asked | {"speed": 2}}, headers=headers)
    assert wrong.status_code == 400 and wrong.json()["header"]["code"] == 45_000_001


def test_openspeech_listens_and_tells_its_status_in_headers(media_mocks):
    url = f"{media_mocks.url}/openspeech/api/v3/auc/bigmodel/recognize/flash"
    headers = speech_headers("volc.bigasr.auc_turbo", **{"x-api-sequence": "-1"})

    def recognized(data):
        body = {"user": {"uid": "u"}, "audio": {"data": base64.b64encode(data).decode()}, "request": {"model_name": "bigmodel"}}
        return httpx2.post(url, json=body, headers=headers)

    good, bad = recognized(files.sound()), recognized(b"no sound")
    assert good.headers["x-api-status-code"] == "20000000" and good.json()["audio_info"]["duration"] == 1000
    assert (bad.status_code, bad.headers["x-api-status-code"]) == (200, "45000151")


def test_sound_comes_piece_by_piece(media_mocks):
    asked = SPEECH | {"input": "mock:seconds=0.5", "response_format": "wav"}
    headers = {"authorization": f"Bearer {SECRET}"}
    with httpx2.stream("POST", f"{media_mocks.url}/openai/v1/audio/speech", json=asked, headers=headers) as answer:
        pieces = answer.iter_raw()
        next(pieces)
        first = time.monotonic()
        list(pieces)
    assert time.monotonic() - first > 0.4
