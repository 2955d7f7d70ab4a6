"""Speech and transcription with OpenAI's SDK, at every provider that can."""

import base64
import json
import time

import httpx2
import openai
import pytest

from conftest import call
from media import Wallet, decoded, files_of, probed, refused, untouched
from media_matrix import places, price_of
from mocks.media import files

TEXT = "The ferry leaves at nine."
HEARD = "Grüße aus Oslo. The ferry leaves at nine."
CODECS = {"mp3": "mp3", "opus": "opus", "aac": "aac", "flac": "flac", "wav": "pcm_s16le"}
SPEAKS = {"openai": ["mp3", "opus", "aac", "flac", "wav", "pcm"], "gemini": ["wav", "pcm"], "volces": ["mp3", "opus", "wav", "pcm"], "simulation": ["wav", "pcm"]}
SOUND = ("speech.wav", files.sound("wav", 2.0), "audio/wav")
# Times of words or segments are the one's to tell and the other's to invent.
WRITES = {"openai": ["json", "text", "srt", "vtt", "verbose_json"], "gemini": ["json", "text"], "volces": ["json", "text", "srt", "vtt", "verbose_json"], "simulation": ["json", "text"]}


def each(*providers, direct=True):
    return pytest.mark.parametrize("place", places(*providers, direct=direct), ids=str)


def pairs(table, direct=True):
    return [pytest.param(place, form, id=f"{place}-{form}") for place in places(direct=direct) for form in table[place.provider]]


def others(table, every):
    return [pytest.param(place, form, id=f"{place}-{form}") for place in places("gemini", "volces", direct=False) for form in every if form not in table[place.provider]]


def hearer(place, form="json"):
    """OpenAI writes times with whisper alone."""
    return place.model("whisper" if place.provider == "openai" and form not in ("json", "text") else "transcribe")


@pytest.mark.parametrize(("place", "form"), pairs(SPEAKS))
def test_speech_is_streamed_to_a_file(sdk, marker, tmp_path, place, form):
    path = tmp_path / f"speech.{form}"
    asked = {"model": place.model("speech"), "voice": "alloy", "input": f"{TEXT} {marker}", "response_format": form}
    with sdk(place).audio.speech.with_streaming_response.create(**asked) as answer:
        assert answer.headers["content-type"].split(";")[0] == files.MEDIA_TYPES[form]
        answer.stream_to_file(path)
    if form == "pcm":
        data = path.read_bytes()
        assert len(data) % 2 == 0 and len(data) > files.RATE / 2, "16 bit mono without a header"
        assert place.provider == "simulation" or data == files.sound("pcm")
        return
    _, length, codecs = probed(path)
    assert codecs == {"audio": CODECS[form]}
    assert place.provider == "simulation" or form == "aac" or 0.9 < length < 1.2
    decoded(path)


@pytest.mark.parametrize(("place", "form"), others(SPEAKS, SPEAKS["openai"]))
def test_a_format_that_a_provider_has_not_is_refused(sdk, media, marker, place, form):
    asked = {"model": place.model("speech"), "voice": "alloy", "input": f"{TEXT} {marker}", "response_format": form}
    with untouched(media):
        refused(lambda: sdk(place).audio.speech.create(**asked), "response_format")


@each(direct=False)
def test_speech_is_charged_by_its_characters(sdk, media, marker, place):
    text = f"Grüße 世界 👩‍👩‍👧. {marker}"
    with Wallet(media).charged(price_of("speech", len(text))):
        sdk(place).audio.speech.create(model=place.model("speech"), voice="alloy", input=text, response_format="wav").read()


@each("openai")
def test_speech_comes_as_it_is_made(sdk, marker, place):
    asked = {"model": place.model("speech"), "voice": "alloy", "input": f"{marker} mock:seconds=1.5", "response_format": "wav"}
    with sdk(place).audio.speech.with_streaming_response.create(**asked) as answer:
        pieces = answer.iter_bytes()
        next(pieces)
        first = time.monotonic()
        list(pieces)
    assert time.monotonic() - first > 1, "the first piece was held back"


@each("openai", direct=False)
def test_speech_that_breaks_off_breaks_the_connection_and_its_text_is_charged(sdk, media, marker, place):
    text = f"{TEXT} {marker} mock:cut"
    with Wallet(media).charged(price_of("speech", len(text))):
        with sdk(place).audio.speech.with_streaming_response.create(model=place.model("speech"), voice="alloy", input=text, response_format="wav") as answer:
            with pytest.raises(httpx2.RemoteProtocolError):
                answer.read()
            task = answer.headers["x-easyai-task-id"]
    told = call(f"{media.url}/api/v1/tasks/{task}", headers={"Authorization": f"Bearer {media.key}"})
    assert (told["status"], told["attempts"]) == ("failed", 1) and told["error"]["message"]


@each(direct=False)
@pytest.mark.parametrize("stream_format", ["audio", "sse"])
def test_speech_that_was_streamed_is_kept(sdk, media, marker, place, stream_format):
    asked = {"model": place.model("speech"), "voice": "alloy", "input": f"{TEXT} {marker}", "response_format": "wav", "stream_format": stream_format}
    with sdk(place).audio.speech.with_streaming_response.create(**asked) as answer:
        given = answer.read()
        task = answer.headers["x-easyai-task-id"]
    if stream_format == "sse":
        events = [json.loads(line.removeprefix("data:")) for line in given.decode().splitlines() if line.startswith("data:")]
        given = b"".join(base64.b64decode(event["audio"]) for event in events if event["type"] == "speech.audio.delta")
    urls = files_of(call(f"{media.url}/api/v1/tasks/{task}", headers={"Authorization": f"Bearer {media.key}"}))
    assert [httpx2.get(url).content for url in urls] == [given]


@each("openai")
def test_speech_comes_as_events(sdk, marker, place):
    asked = {"model": place.model("speech"), "voice": "alloy", "input": f"{TEXT} {marker}", "response_format": "wav", "stream_format": "sse"}
    with sdk(place).audio.speech.with_streaming_response.create(**asked) as answer:
        text = answer.read().decode()
    events = [json.loads(line.removeprefix("data:")) for line in text.splitlines() if line.startswith("data:") and "[DONE]" not in line]
    sound = b"".join(base64.b64decode(event["audio"]) for event in events if event["type"] == "speech.audio.delta")
    assert sound == files.sound("wav") and events[-1]["type"] == "speech.audio.done"
    assert events[-1]["usage"]["output_tokens"] > 0


@each("openai", "gemini", "volces")
def test_a_voice_that_we_do_not_know_is_passed_on(sdk, media_mocks, marker, place):
    asked = {"model": place.model("speech"), "voice": "Zephyr-of-tomorrow", "input": f"{TEXT} {marker}", "response_format": "pcm"}
    sdk(place).audio.speech.create(**asked).read()
    assert "Zephyr-of-tomorrow" in str(media_mocks.seen(marker)[0].heard)


@each("volces", direct=False)
def test_speed_is_put_in_the_providers_terms(sdk, media_mocks, marker, place):
    sdk(place).audio.speech.create(model=place.model("speech"), voice="zh_female", input=f"{TEXT} {marker}", response_format="pcm", speed=1.5).read()
    assert media_mocks.seen(marker)[0].heard["speech_rate"] == 50


@each("gemini", direct=False)
def test_speed_is_refused_where_there_is_none(sdk, media, marker, place):
    asked = {"model": place.model("speech"), "voice": "Kore", "input": f"{TEXT} {marker}", "response_format": "pcm", "speed": 1.5}
    with untouched(media):
        refused(lambda: sdk(place).audio.speech.create(**asked), "speed")


@pytest.mark.parametrize(("place", "form"), pairs(WRITES))
def test_sound_is_written_down(sdk, media_mocks, place, form):
    calls = media_mocks.count()
    answer = sdk(place).audio.transcriptions.create(model=hearer(place, form), file=SOUND, response_format=form)
    text = answer if isinstance(answer, str) else answer.text
    match form:
        case "text":
            assert not text.startswith("{")
        case "srt":
            assert text.startswith("1\n00:00:00,000 --> 00:00:0")
        case "vtt":
            assert text.startswith("WEBVTT\n\n") and "00:00:00.000 --> 00:00:0" in text
        case "verbose_json":
            assert abs(float(answer.duration) - 2) < 0.1 and answer.segments[0].end > 0 and answer.segments[0].text
    if place.provider != "simulation":
        assert HEARD.split(".")[0] in text
        heard = media_mocks.since(calls, "transcriptions", "generate")[-1].heard
        assert heard["seconds"] == 2


@pytest.mark.parametrize(("place", "form"), others(WRITES, WRITES["openai"]))
def test_a_form_of_text_that_a_provider_has_not_is_refused(sdk, media, place, form):
    with untouched(media):
        refused(lambda: sdk(place).audio.transcriptions.create(model=place.model("transcribe"), file=SOUND, response_format=form), "response_format")


@each(direct=False)
def test_what_is_heard_is_charged_by_its_seconds(sdk, media, place):
    with Wallet(media).charged(price_of("transcribe", 2)):
        sdk(place).audio.transcriptions.create(model=place.model("transcribe"), file=SOUND)


@each("openai")
def test_a_transcript_is_streamed(sdk, place):
    stream = sdk(place).audio.transcriptions.create(model=place.model("transcribe"), file=SOUND, stream=True)
    events = list(stream)
    said = "".join(event.delta for event in events if event.type == "transcript.text.delta")
    assert events[-1].type == "transcript.text.done" and events[-1].text == said == HEARD
    assert len(events) > 3


@each("gemini", "volces", direct=False)
def test_what_was_heard_at_once_is_streamed_all_the_same(sdk, place):
    events = list(sdk(place).audio.transcriptions.create(model=place.model("transcribe"), file=SOUND, stream=True))
    assert [event.type for event in events] == ["transcript.text.delta", "transcript.text.done"]
    assert events[0].delta == events[1].text == HEARD


@each("openai")
def test_words_have_times_where_they_were_asked_for(sdk, place):
    asked = {"model": place.model("whisper"), "file": SOUND, "response_format": "verbose_json", "timestamp_granularities": ["word", "segment"]}
    answer = sdk(place).audio.transcriptions.create(**asked)
    assert answer.words[0].word and answer.segments


@each("openai")
def test_speech_is_translated(sdk, media_mocks, place):
    calls = media_mocks.count()
    answer = sdk(place).audio.translations.create(model=place.model("whisper"), file=SOUND)
    assert answer.text
    assert [call.name for call in media_mocks.since(calls)] == ["translations"]


@each("volces", direct=False)
def test_a_translation_is_refused_where_nobody_translates(sdk, media, place):
    with untouched(media), pytest.raises(openai.BadRequestError) as caught:
        sdk(place).audio.translations.create(model=place.model("transcribe"), file=SOUND)
    assert caught.value.code in ("capability_unsupported", "bad_request")


@each("openai", "gemini", "volces", direct=False)
def test_a_file_that_is_no_sound_is_refused(sdk, media, place):
    with untouched(media):
        refused(lambda: sdk(place).audio.transcriptions.create(model=place.model("transcribe"), file=("speech.wav", b"Not a sound at all.", "audio/wav")), "file")


@each("openai", direct=False)
def test_a_form_passes_as_it_was_written(sdk, media, place):
    calls = media.mocks.count()
    asked = {"model": place.model("whisper"), "file": SOUND, "language": "de", "temperature": 0.25, "prompt": "Fähre", "response_format": "verbose_json"}
    sdk(place).audio.transcriptions.create(**asked, timestamp_granularities=["word"])
    call = media.mocks.since(calls)[0]
    assert SOUND[1] in call.body and "Fähre".encode() in call.body
    assert call.heard["fields"] == ["language", "model", "prompt", "response_format", "temperature", "timestamp_granularities"]
    assert call.heard["model"] == "whisper-1", "the model has its upstream name in the form"


@each("openai", direct=False)
def test_a_sound_of_unknown_length_is_heard_too(media, place):
    """A form sent piece by piece, without a length."""
    edge = "edge-of-a-form"
    parts = [
        f'--{edge}\r\nContent-Disposition: form-data; name="model"\r\n\r\n{place.model("whisper")}\r\n'.encode(),
        f'--{edge}\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\nContent-Type: audio/wav\r\n\r\n'.encode(),
        SOUND[1],
        f"\r\n--{edge}--\r\n".encode(),
    ]
    headers = {"authorization": f"Bearer {media.key}", "content-type": f"multipart/form-data; boundary={edge}"}
    answer = httpx2.post(f"{media.url}/v1/audio/transcriptions", content=iter(parts), headers=headers, timeout=30)
    assert answer.status_code == 200 and answer.json()["text"] == HEARD
