"""Veo: `:predictLongRunning`, the operation, and the file behind the key (`providers.md` 6.7)."""

import base64

from mocks.check import Refused, must
from mocks.media import files
from mocks.media.ask import Answer, as_json

INSTANCE = {"prompt", "image", "lastFrame", "referenceImages", "video"}
# `generateAudio`, `seed`, `fps`, `storageUri` are Vertex's: the Developer API refuses them.
PARAMETERS = set("aspectRatio resolution durationSeconds negativePrompt personGeneration sampleCount".split())
SECONDS = {"veo-3.1": [4, 6, 8], "veo-3.0": [8], "veo-2.0": [5, 6, 7, 8]}
RESOLUTIONS = {"veo-3.1": ["720p", "1080p", "4k"], "veo-3.0": ["720p", "1080p"], "veo-2.0": []}


def submit(ask):
    model, body = ask.groups[0], ask.json()
    family = next((family for family in SECONDS if model.startswith(family)), None)
    if family is None:
        raise Refused(f"models/{model} is not found for API version v1beta, or is not supported for predictLongRunning.", status=404)
    must(set(body) <= {"instances", "parameters"}, f"Invalid JSON payload received. Unknown name: {sorted(set(body))}")
    instances, given = body.get("instances"), body.get("parameters") or {}
    must(isinstance(instances, list) and len(instances) == 1, "exactly one instance is needed")
    one = instances[0]
    must(set(one) <= INSTANCE, f"Unknown name in instances[0]: {sorted(set(one) - INSTANCE)}")
    for name in given:
        must(name in PARAMETERS, f"`{name}` isn't supported by this model. Please remove it or refer to the Gemini API documentation for supported usage.")
    must(isinstance(one.get("prompt"), str) and one["prompt"].strip(), "prompt must not be empty")
    frames = {name: _image(one[name], name) for name in ("image", "lastFrame") if name in one}
    must("lastFrame" not in frames or "image" in frames, "lastFrame needs image")
    references = [_reference(each) for each in one.get("referenceImages", [])]
    must(not references or family == "veo-3.1" and len(references) <= 3 and not frames, "referenceImages are not supported here")
    seconds = _parameters(given, family, bool(references), bool(frames))
    words = ask.hear(model=model, prompt=one["prompt"], seconds=seconds, parameters=given, images=[*frames.values(), *references], frames=sorted(frames))
    if "refuse" in words:
        raise Refused("The prompt could not be submitted. This prompt contains words that violate Vertex AI's usage guidelines.")
    job = ask.submit(ask.mocks.ids("op"), one["prompt"], {"model": model, "name": None})
    job.facts["name"] = f"models/{model}/operations/{job.id}"
    return Answer(reset=True) if "lost" in words else as_json({"name": job.facts["name"]})


def _parameters(given, family, references, framed):
    ratio, resolution = given.get("aspectRatio", "16:9"), given.get("resolution", "720p")
    must(ratio in ("16:9", "9:16"), f"aspectRatio {ratio!r} is not supported")
    must("resolution" not in given or resolution in RESOLUTIONS[family], f"resolution {resolution!r} is not supported by this model")
    seconds = given.get("durationSeconds", 8)
    must(isinstance(seconds, int) and not isinstance(seconds, bool), "durationSeconds needs to be a number.")
    must(seconds in SECONDS[family], f"durationSeconds must be one of {SECONDS[family]}, got {seconds}")
    must(seconds == 8 or resolution == "720p" and not references, f"durationSeconds must be 8 with {resolution}")
    people = given.get("personGeneration")
    allowed = ["allow_adult"] if framed else ["allow_all", "allow_adult", "dont_allow"]
    must(people is None or people in allowed, f"personGeneration {people!r} is currently not supported.")
    must(given.get("sampleCount", 1) == 1, "sampleCount must be 1")
    return seconds


def _image(given, at):
    must(isinstance(given, dict) and set(given) == {"bytesBase64Encoded", "mimeType"}, f"{at}: `inlineData` isn't supported by this model; bytesBase64Encoded and mimeType are needed")
    data = base64.b64decode(given["bytesBase64Encoded"], validate=True)
    must(f"image/{files.kind_of(data)}" == given["mimeType"], f"{at}: not {given['mimeType']}")
    return files.size_of(data)


def _reference(given):
    must(set(given) == {"image", "referenceType"} and given["referenceType"] == "asset", "referenceImages: expected image and referenceType")
    return _image(given["image"], "referenceImages")


def operation(ask):
    model, id = ask.groups
    job = _job(ask, id)
    must(job.facts["model"] == model, "no such operation", status=404)
    match job.poll():
        case "error":
            raise Refused("Internal error encountered.", status=500)
        case "gone":
            job.deleted = True
    job = _job(ask, id)
    name = {"name": job.facts["name"]}
    if job.state in ("queued", "running"):
        return as_json(name)
    kind = "type.googleapis.com/google.ai.generativelanguage.v1beta.PredictLongRunningResponse"
    if job.state == "failed":
        reasons = ["Sorry, we can't create videos with real people's names or likenesses."]
        blocked = {"raiMediaFilteredCount": 1, "raiMediaFilteredReasons": reasons}
        return as_json(name | {"done": True, "response": {"@type": kind, "generateVideoResponse": blocked}})
    uri = f"{ask.mocks.url}/gemini/v1beta/files/{job.id}:download?alt=media"
    return as_json(name | {"done": True, "response": {"@type": kind, "generateVideoResponse": {"generatedSamples": [{"video": {"uri": uri}}]}}})


def download(ask):
    """Sends on to another origin, where the key has no business."""
    job = _job(ask, ask.groups[0])
    must(ask.query.get("alt") == "media", "this mock has no metadata of files")
    must(job.state == "succeeded", "no such file", status=404)
    return Answer(b"", "text/html", 302, {"location": ask.mocks.store.sign(files.CLIP, "mp4", job)})


def _job(ask, id):
    job = ask.mocks.jobs.get(id)
    if job is None or job.kind != "gemini":
        raise Refused("Requested entity was not found.", status=404)
    return job
