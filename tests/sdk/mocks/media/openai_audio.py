"""OpenAI's `/audio/speech`, `/audio/transcriptions` and `/audio/translations` (`providers.md` 4.5)."""

import base64
import math
import re

from mocks.check import Refused, must
from mocks.media import files
from mocks.media.ask import Answer, as_events, as_json

SPEECH_FIELDS = set("model input voice instructions response_format speed stream_format".split())
FORMATS = "mp3 opus aac flac wav pcm".split()
MAX_INPUT = 4096
PIECE = 4096

HEARD_FIELDS = set("file model language prompt response_format temperature timestamp_granularities include chunking_strategy stream".split())
TRANSLATED_FIELDS = set("file model prompt response_format temperature".split())
EXTENSIONS = "flac m4a mp3 mp4 mpeg mpga oga ogg wav webm".split()
MAX_FILE = 25 << 20
# What each model writes. Source: OpenAI API reference, `response_format`.
WRITES = {"whisper-1": "json text srt verbose_json vtt", "gpt-4o-transcribe-diarize": "json text diarized_json", "gpt-4o-transcribe": "json text", "gpt-4o-mini-transcribe": "json text"}
TEXT = "Grüße aus Oslo. The ferry leaves at nine."


def speech(ask):
    body = ask.json()
    for name in body:
        must(name in SPEECH_FIELDS, f"Unknown parameter: '{name}'.", param=name, code="unknown_parameter")
    model, text, voice = body.get("model"), body.get("input"), body.get("voice")
    must(model in ("gpt-4o-mini-tts", "tts-1", "tts-1-hd"), f"The model `{model}` does not exist.", status=404, param="model", code="model_not_found")
    must(isinstance(text, str) and text.strip(), "Missing required parameter: 'input'.", param="input", code="missing_required_parameter")
    must(len(text) <= MAX_INPUT, f"Invalid 'input': string too long. Expected a string with maximum length {MAX_INPUT}.", param="input", code="string_above_max_length")
    must(isinstance(voice, str) and voice or isinstance(voice, dict) and set(voice) == {"id"}, "Missing required parameter: 'voice'.", param="voice", code="missing_required_parameter")
    form = body.get("response_format", "mp3")
    must(form in FORMATS, f"Invalid value: '{form}'. Supported values are: {FORMATS}.", param="response_format", code="invalid_value")
    speed = body.get("speed", 1)
    must(isinstance(speed, int | float) and 0.25 <= speed <= 4, "Invalid 'speed': expected a value between 0.25 and 4.", param="speed", code="decimal_above_max_value")
    how = body.get("stream_format", "audio")
    must(how in ("audio", "sse"), f"Invalid value: '{how}'.", param="stream_format", code="invalid_value")
    must(how == "audio" or model == "gpt-4o-mini-tts", "stream_format 'sse' is not supported by this model.", param="stream_format", code="unsupported_value")
    words = ask.hear(model=model, prompt=text, voice=voice, form=form, speed=speed, instructions=body.get("instructions"), fields=sorted(body))
    if "refuse" in words:
        raise Refused("Your request was rejected by the safety system.", code="content_policy_violation")
    data = files.sound(form)
    pieces = [data[at : at + PIECE] for at in range(0, len(data), PIECE)]
    if how == "audio":
        given = _cut(pieces) if "cut" in words else pieces
        return Answer(given, files.MEDIA_TYPES[form], headers={"x-mock-pause": str(words.get("seconds") or 0)})
    events = [{"type": "speech.audio.delta", "audio": base64.b64encode(piece).decode()} for piece in pieces]
    return as_events([*events, {"type": "speech.audio.done", "usage": {"input_tokens": 14, "output_tokens": 101, "total_tokens": 115}}])


def _cut(pieces):
    yield pieces[0]
    raise ConnectionAbortedError


def transcriptions(ask):
    body, file = _form(ask, HEARD_FIELDS)
    model = body.get("model")
    must(model in WRITES, f"The model `{model}` does not exist.", status=404, param="model", code="model_not_found")
    form = _written(body, model)
    grains = body.get("timestamp_granularities", [])
    must(not grains or form == "verbose_json", "timestamp_granularities is only supported with response_format 'verbose_json'.", param="timestamp_granularities")
    must(set(grains) <= {"word", "segment"}, f"Invalid value: {grains}.", param="timestamp_granularities", code="invalid_value")
    stream = body.get("stream", "false") == "true" and model != "whisper-1"
    seconds = _seconds(file)
    ask.hear(model=model, prompt=body.get("prompt"), seconds=seconds, language=body.get("language"), form=form, stream=stream, fields=sorted(body))
    if stream:
        return as_events(_events(_usage(model, seconds)))
    return _answer("transcribe", form, seconds, _usage(model, seconds), grains, body.get("language") or "german")


def translations(ask):
    body, file = _form(ask, TRANSLATED_FIELDS)
    must(body.get("model") == "whisper-1", f"The model `{body.get('model')}` does not support translations.", param="model", code="invalid_value")
    form, seconds = _written(body, "whisper-1"), _seconds(file)
    ask.hear(model="whisper-1", prompt=body.get("prompt"), seconds=seconds, form=form, fields=sorted(body))
    return _answer("translate", form, seconds, _usage("whisper-1", seconds), [], "english")


def _form(ask, fields):
    must(ask.is_form, "Unsupported content type. This API method only accepts 'multipart/form-data' requests.", status=415)
    body, file = {}, None
    for part in ask.form():
        name = part.name.removesuffix("[]")
        must(name in fields, f"Unknown parameter: '{name}'.", param=name, code="unknown_parameter")
        if name == "file":
            must(part.filename, "Invalid type for 'file': expected a file.", param="file", code="invalid_type")
            must(file is None, "Duplicate parameter: 'file'.", param="file")
            file = part
        elif part.name.endswith("[]"):
            body.setdefault(name, []).append(part.text)
        else:
            must(name not in body, f"Duplicate parameter: '{name}'.", param=name)
            body[name] = part.text
    must(file is not None, "Missing required parameter: 'file'.", param="file", code="missing_required_parameter")
    extension = file.filename.rpartition(".")[2].lower()
    must(extension in EXTENSIONS, f"Unrecognized file format. Supported formats: {EXTENSIONS}", param="file", code="unsupported_value")
    must(len(file.data) <= MAX_FILE, "Maximum content size limit (26214400) exceeded", status=413)
    must(files.kind_of(file.data) in ("wav", "mp3", "flac", "opus", "mp4"), "Audio file might be corrupted or unsupported", param="file", code="invalid_value")
    if temperature := body.get("temperature"):
        must(re.fullmatch(r"[\d.]+", temperature) and float(temperature) <= 1, "Invalid 'temperature'.", param="temperature")
    return body, file.data


def _written(body, model):
    form = body.get("response_format", "json")
    message = f"response_format '{form}' is not compatible with model '{model}'. Use one of {WRITES[model].split()} instead."
    must(form in WRITES[model].split(), message, param="response_format", code="unsupported_value")
    return form


def _seconds(data):
    return files.seconds_of(data) or 1.0


def _usage(model, seconds):
    if model == "whisper-1":
        return {"type": "duration", "seconds": math.ceil(seconds)}
    heard = math.ceil(seconds * 10)
    return {"type": "tokens", "input_tokens": heard, "output_tokens": 12, "total_tokens": heard + 12, "input_token_details": {"text_tokens": 0, "audio_tokens": heard}}


def _events(usage):
    for piece in re.findall(r"\S+\s*", TEXT):
        yield {"type": "transcript.text.delta", "delta": piece}
    yield {"type": "transcript.text.done", "text": TEXT, "usage": usage}


def _answer(task, form, seconds, usage, grains, language):
    match form:
        case "text":
            return Answer(f"{TEXT}\n".encode(), "text/plain; charset=utf-8")
        case "srt":
            return Answer(f"1\n00:00:00,000 --> {_clock(seconds, ',')}\n{TEXT}\n\n".encode(), "text/plain; charset=utf-8")
        case "vtt":
            return Answer(f"WEBVTT\n\n00:00:00.000 --> {_clock(seconds, '.')}\n{TEXT}\n\n".encode(), "text/plain; charset=utf-8")
        case "verbose_json":
            segment = {"id": 0, "seek": 0, "start": 0.0, "end": seconds, "text": TEXT, "tokens": [1, 2], "temperature": 0.0, "avg_logprob": -0.2, "compression_ratio": 1.1, "no_speech_prob": 0.01}
            words = [{"word": word, "start": 0.0, "end": seconds} for word in TEXT.split()]
            more = {"words": words} if "word" in grains else {}
            more |= {"segments": [segment]} if "segment" in grains or not grains else {}
            return as_json({"task": task, "language": language, "duration": seconds, "text": TEXT, "usage": usage} | more)
        case "diarized_json":
            segment = {"id": "seg_1", "type": "transcript.text.segment", "speaker": "A", "start": 0.0, "end": seconds, "text": TEXT}
            return as_json({"task": task, "duration": seconds, "text": TEXT, "segments": [segment], "usage": usage})
        case _:
            return as_json({"text": TEXT, "usage": usage})


def _clock(seconds, point):
    whole = int(seconds)
    return f"{whole // 3600:02}:{whole // 60 % 60:02}:{whole % 60:02}{point}{int(seconds % 1 * 1000):03}"
