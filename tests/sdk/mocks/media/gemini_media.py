"""Gemini's `:generateContent` where it draws, speaks or listens (`providers.md` 6.5, 6.9)."""

import base64
import binascii
import re

from mocks.check import Refused, must
from mocks.media import files
from mocks.media.ask import as_json

RATIOS = "1:1 2:3 3:2 3:4 4:3 4:5 5:4 9:16 16:9 21:9".split()
FLASH_RATIOS = "1:4 4:1 1:8 8:1".split()
SIDES = {"512": 512, "1K": 1024, "2K": 2048, "4K": 4096}
IMAGE_TOKENS = {"512": 747, "1K": 1120, "2K": 1120, "4K": 2000}
FLASH_IMAGE_TOKENS = {"512": 747, "1K": 1120, "2K": 1680, "4K": 2520}
OLD_IMAGE_TOKENS = 1290
MAX_INPUTS = {"gemini-2.5-flash-image": 3, "gemini-3": 14}
TOP = set("contents systemInstruction generationConfig safetySettings labels serviceTier".split())
CONFIG = set(
    "responseModalities imageConfig speechConfig temperature topP topK maxOutputTokens candidateCount seed stopSequences thinkingConfig"
    " responseMimeType responseSchema responseJsonSchema mediaResolution audioTimestamp".split()
)
URL_SAFE = str.maketrans("-_", "+/")
HEARD = "Grüße aus Oslo. The ferry leaves at nine."


def generate(ask):
    model, body = ask.groups[0], _camel(ask.json())
    _known(body, TOP, "")
    config = body.get("generationConfig") or {}
    _known(config, CONFIG, "generation_config")
    texts, media = _contents(body.get("contents"))
    words = ask.hear(model=model, prompt="\n".join(texts), images=[(kind, files.size_of(data)) for kind, data in media if kind.startswith("image/")], config=config)
    if "refuse" in words:
        return as_json({"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}, "usageMetadata": _usage(8, 0, "TEXT"), "modelVersion": model, "responseId": "r-1"})
    ask.wait(words)
    if "-image" in model:
        return as_json(_draw(model, config, media, words))
    if "-tts" in model:
        return as_json(_speak(model, body, config, texts, media))
    return as_json(_listen(ask, model, media))


def _draw(model, config, media, words):
    old = model.startswith("gemini-2.5")
    modalities = config.get("responseModalities", ["TEXT", "IMAGE"])
    must("IMAGE" in modalities and set(modalities) <= {"TEXT", "IMAGE"}, f"The requested combination of response modalities ({modalities}) is not supported by the model.")
    must("speechConfig" not in config, "speech_config is not supported by this model")
    must(config.get("candidateCount", 1) == 1, "Multiple candidates is not enabled for this model")
    _known(config.get("imageConfig", {}), {"aspectRatio", "imageSize"}, "generation_config.image_config")
    ratio, side = config.get("imageConfig", {}).get("aspectRatio"), config.get("imageConfig", {}).get("imageSize")
    flash = model.startswith("gemini-3.1-flash")
    allowed = RATIOS + (FLASH_RATIOS if flash else [])
    must(ratio is None or ratio in allowed, f"aspect_ratio must be one of {allowed}")
    must(side is None or not old, "image_size is not supported by this model")
    must(side is None or side in SIDES and (side != "512" or flash), f"image_size {side!r} is not valid")
    most = MAX_INPUTS["gemini-2.5-flash-image" if old else "gemini-3"]
    must(len(media) <= most, f"at most {most} input images")
    for kind, _ in media:
        must(kind in ("image/png", "image/jpeg", "image/webp", "image/heic", "image/heif"), f"Unsupported MIME type: {kind}")
    if "all-fail" in words:
        return _answer(model, [], "IMAGE_SAFETY", _usage(8, 0, "IMAGE"))
    if "no-image" in words:
        return _answer(model, [{"text": "I would rather tell you about lighthouses."}], "STOP", _usage(8, 9, "TEXT"))
    across, down = map(int, (ratio or "1:1").split(":"))
    longer = SIDES[side or "1K"]
    width, height = (longer, longer * down // across) if across >= down else (longer * across // down, longer)
    tokens = OLD_IMAGE_TOKENS if old else (FLASH_IMAGE_TOKENS if flash else IMAGE_TOKENS)[side or "1K"]
    parts = [] if old else [{"thought": True, **_inline("image/png", files.picture("png", 64, 64, 9))}]
    parts += [{"text": "Here it is. "}] if "TEXT" in modalities else []
    parts.append(_inline("image/png", files.picture("png", width, height, len(media))) | ({} if old else {"thoughtSignature": "c2ln"}))
    return _answer(model, parts, "STOP", _usage(8 + 258 * len(media), tokens, "IMAGE"))


def _speak(model, body, config, texts, media):
    only = "models accepts the following combination of response modalities: * AUDIO"
    must(config.get("responseModalities") == ["AUDIO"], f"The requested combination of response modalities (TEXT) is not supported by the model. {only}")
    must("systemInstruction" not in body, "Developer instruction is not enabled for this model")
    must(not media and texts, "Model tried to generate text, but it should only be used for TTS")
    must("imageConfig" not in config, "image_config is not supported by this model")
    speech = config.get("speechConfig") or {}
    _known(speech, {"voiceConfig", "multiSpeakerVoiceConfig", "languageCode"}, "generation_config.speech_config")
    must(len(set(speech) & {"voiceConfig", "multiSpeakerVoiceConfig"}) == 1, "exactly one of voice_config and multi_speaker_voice_config is needed")
    if "voiceConfig" in speech:
        name = speech["voiceConfig"].get("prebuiltVoiceConfig", {}).get("voiceName")
        must(isinstance(name, str) and name, "voice_name must not be empty")
    data = files.sound("pcm")
    return _answer(model, [_inline("audio/L16;codec=pcm;rate=24000", data)], "STOP", _usage(len(texts[0].split()), 25, "AUDIO"))


def _listen(ask, model, media):
    must(len(media) == 1 and media[0][0].startswith("audio/"), "this mock wants exactly one piece of sound")
    kind, data = media[0]
    sniffed = files.kind_of(data)
    must(sniffed in ("wav", "mp3", "flac", "opus", "aac"), f"Unable to process input audio of {kind}")
    seconds = files.seconds_of(data) or 1.0
    ask.heard["seconds"] = seconds
    tokens = int(32 * seconds)
    usage = _usage(20 + tokens, 11, "TEXT") | {"promptTokensDetails": [{"modality": "TEXT", "tokenCount": 20}, {"modality": "AUDIO", "tokenCount": tokens}]}
    return _answer(model, [{"text": HEARD}], "STOP", usage)


def _contents(contents):
    must(isinstance(contents, list) and contents, "contents is not specified")
    must(all(turn.get("role", "user") in ("user", "model") for turn in contents), "Please use a valid role: user, model.")
    must(len(contents) == 1, "this mock holds no conversation")
    texts, media = [], []
    for part in contents[0].get("parts") or []:
        if set(part) == {"text"}:
            texts.append(part["text"])
            continue
        must(set(part) == {"inlineData"} and set(part["inlineData"]) == {"mimeType", "data"}, f"Invalid part: {sorted(part)}")
        media.append(_decoded(part["inlineData"]))
    must(any(text.strip() for text in texts) or media, "Unable to submit request because it must have a text parameter")
    return texts, media


def _decoded(inline):
    kind = inline["mimeType"]
    try:
        # Both alphabets are read: Google's own SDKs send the one for URLs.
        data = base64.b64decode(inline["data"].translate(URL_SAFE), validate=True)
    except (binascii.Error, ValueError) as bad:
        raise Refused(f"Invalid value at 'contents[0].parts.inline_data.data' (TYPE_BYTES), Base64 decoding failed: {bad}") from bad
    must(re.fullmatch(r"(image|audio|video)/[\w.+-]+", kind), f"Unsupported MIME type: {kind}")
    must(not kind.startswith("image/") or files.kind_of(data) == kind.removeprefix("image/"), "Unable to process input image.")
    return kind, data


def _known(body, fields, at):
    for name in body:
        must(name in fields, f"Invalid JSON payload received. Unknown name \"{name}\"{f' at {at!r}' if at else ''}: Cannot find field.")


def _camel(value):
    """Google's servers take both spellings."""
    if isinstance(value, list):
        return [_camel(each) for each in value]
    if isinstance(value, dict):
        return {re.sub(r"_([a-z])", lambda found: found[1].upper(), name): _camel(each) for name, each in value.items()}
    return value


def _inline(kind, data):
    return {"inlineData": {"mimeType": kind, "data": base64.b64encode(data).decode()}}


def _answer(model, parts, finish, usage):
    content = {"role": "model", "parts": parts} if parts else {}
    return {"candidates": [{"index": 0, "content": content, "finishReason": finish}], "usageMetadata": usage, "modelVersion": model, "responseId": "r-1"}


def _usage(given, made, modality):
    return {
        "promptTokenCount": given,
        "candidatesTokenCount": made,
        "totalTokenCount": given + made,
        "promptTokensDetails": [{"modality": "TEXT", "tokenCount": given}],
        "candidatesTokensDetails": [{"modality": modality, "tokenCount": made}],
    }
