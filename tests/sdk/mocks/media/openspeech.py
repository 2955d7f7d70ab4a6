"""Volcengine's speech service, which is no part of Ark (`providers.md` 8): own host, own headers, its status in the body or in headers."""

import base64
import json
import re
import uuid

from mocks.check import must
from mocks.media import files
from mocks.media.ask import Answer

OK, BAD_PARAMETER, BAD_FORMAT, SILENCE = 20_000_000, 45_000_001, 45_000_151, 20_000_003
RESOURCES = "seed-tts-1.0 seed-tts-2.0 seed-icl-1.0 seed-icl-2.0".split()
FORMATS = {"mp3": "mp3", "ogg_opus": "opus", "pcm": "pcm"}
PIECE = 4096
TEXT = "Grüße aus Oslo. The ferry leaves at nine."


def speak(ask):
    _headers(ask, RESOURCES)
    body = ask.json()
    must(set(body) <= {"user", "req_params", "namespace"} and isinstance(body.get("req_params"), dict), "req_params is needed")
    asked = body["req_params"]
    unknown = set(asked) - set("text ssml speaker model audio_params additions mix_speaker".split())
    must(not unknown, f"unknown in req_params: {sorted(unknown)}")
    text, audio = asked.get("text"), asked.get("audio_params") or {}
    must(isinstance(text, str) and text.strip(), "text is empty")
    must(isinstance(asked.get("speaker"), str) and asked["speaker"], "speaker is empty")
    must(set(audio) <= set("format sample_rate bit_rate speech_rate loudness_rate emotion emotion_scale enable_timestamp".split()), f"unknown in audio_params: {sorted(audio)}")
    form = audio.get("format", "mp3")
    must(form in FORMATS, f"format {form} is not supported")
    must(audio.get("sample_rate", 24_000) in (8_000, 16_000, 24_000, 32_000, 44_100, 48_000), "sample_rate is not supported")
    rate = audio.get("speech_rate", 0)
    must(isinstance(rate, int) and -50 <= rate <= 100, "speech_rate must be a whole number from -50 to 100")
    # JSON in a string, not an object.
    additions = json.loads(asked.get("additions", "{}"))
    must(isinstance(asked.get("additions", ""), str), "additions must be a string of JSON")
    words = ask.hear(model=asked.get("model"), prompt=text, voice=asked["speaker"], form=form, speech_rate=rate, additions=additions, resource=ask.headers["x-api-resource-id"])
    if "refuse" in words:
        return Answer(_line({"code": 45_000_000, "message": "speaker permission denied", "data": None}))
    data = files.sound(FORMATS[form])
    lines = [_line({"code": 0, "message": "", "data": base64.b64encode(data[at : at + PIECE]).decode()}) for at in range(0, len(data), PIECE)]
    usage = {"usage": {"text_words": len(text)}} if ask.headers.get("x-control-require-usage-tokens-return") else {}
    return Answer([*lines, _line({"code": OK, "message": "ok", "data": None} | usage)], headers={"x-tt-logid": "logid-mock"})


def recognize(ask):
    """HTTP is 200 whatever happens: what happened is in headers."""
    _headers(ask, ["volc.bigasr.auc_turbo"])
    must(ask.headers.get("x-api-sequence") == "-1", "X-Api-Sequence must be -1")
    body = ask.json()
    must(set(body) == {"user", "audio", "request"}, f"expected user, audio, request: {sorted(body)}")
    must(body["request"].get("model_name") == "bigmodel", "model_name must be bigmodel")
    audio = body["audio"]
    must(len({"url", "data"} & set(audio)) == 1, "exactly one of url and data is needed")
    must("data" in audio, "this mock fetches nothing")
    data = base64.b64decode(audio["data"], validate=True)
    if files.kind_of(data) not in ("wav", "mp3", "opus"):
        return _status(BAD_FORMAT, "[Invalid audio format]", {})
    seconds = files.seconds_of(data) or 1.0
    ask.hear(model="bigmodel", prompt="", seconds=seconds, language=audio.get("language"))
    millis = int(seconds * 1000)
    utterance = {"text": TEXT, "start_time": 0, "end_time": millis, "words": [{"text": word, "start_time": 0, "end_time": millis, "confidence": 0} for word in TEXT.split()]}
    return _status(OK, "OK", {"audio_info": {"duration": millis}, "result": {"text": TEXT, "utterances": [utterance], "additions": {"duration": str(millis)}}})


def _headers(ask, resources):
    must(ask.headers.get("x-api-resource-id") in resources, f"X-Api-Resource-Id must be one of {resources}")
    given = ask.headers.get("x-api-request-id", "")
    must(re.fullmatch(r"[0-9a-fA-F-]{32,36}", given) and uuid.UUID(given), "X-Api-Request-Id must be a UUID")


def _line(value):
    return json.dumps(value, ensure_ascii=False).encode() + b"\n"


def _status(code, message, body):
    headers = {"x-api-status-code": str(code), "x-api-message": message, "x-tt-logid": "logid-mock"}
    return Answer(json.dumps(body, ensure_ascii=False).encode(), headers=headers)
