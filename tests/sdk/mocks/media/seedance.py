"""Ark's `/contents/generations/tasks`: Seedance (`providers.md` 7.6). Codes as in 12.4."""

import base64
import re

from mocks.check import Refused, must
from mocks.media import files
from mocks.media.ask import Answer, as_json

FIELDS = set(
    "model content resolution ratio duration frames seed camera_fixed watermark generate_audio return_last_frame service_tier"
    " execution_expires_after callback_url draft tools safety_identifier priority".split()
)
# least and most seconds, usual resolution, sound
MODELS = {
    "doubao-seedance-1-0-pro-250528": (2, 12, "1080p", False),
    "doubao-seedance-1-0-lite-t2v-250428": (2, 12, "720p", False),
    "doubao-seedance-1-5-pro-251215": (4, 12, "720p", True),
    "doubao-seedance-2-0-260128": (4, 15, "720p", True),
    "doubao-seedance-2-0-fast-260128": (4, 15, "720p", True),
}
SIZES = {
    "480p": {"16:9": (864, 496), "9:16": (496, 864), "4:3": (752, 560), "3:4": (560, 752), "1:1": (640, 640), "21:9": (992, 432)},
    "720p": {"16:9": (1280, 720), "9:16": (720, 1280), "4:3": (1112, 834), "3:4": (834, 1112), "1:1": (960, 960), "21:9": (1470, 630)},
    "1080p": {"16:9": (1920, 1080), "9:16": (1080, 1920), "4:3": (1664, 1248), "3:4": (1248, 1664), "1:1": (1440, 1440), "21:9": (2206, 946)},
}
ROLES = {"first_frame", "last_frame", "reference_image"}
FRAMES_PER_SECOND = 24


def create(ask):
    body = ask.json()
    for name in body:
        _must(name in FIELDS, name, f"The parameter `{name}` specified in the request is not valid.")
    model = body.get("model")
    if model not in MODELS:
        raise Refused(f"The model or endpoint {model} does not exist or you do not have access to it.", status=404, code="InvalidEndpointOrModel.NotFound")
    least, most, usual, sounds = MODELS[model]
    prompt, images = _content(body.get("content"))
    resolution, ratio = body.get("resolution", usual), body.get("ratio", "adaptive" if images else "16:9")
    _must(resolution in SIZES and not (resolution == "1080p" and "fast" in model), "resolution", f"resolution {resolution} is not supported by {model}")
    _must(ratio in SIZES["720p"] or ratio == "adaptive" and images, "ratio", f"ratio {ratio} is not supported")
    roles = {role for role, _ in images}
    _must("first_frame" not in roles or ratio == "adaptive" or model.startswith("doubao-seedance-1-0"), "ratio", "`ratio` must be adaptive with a first frame")
    seconds = body.get("duration", 5)
    _must(isinstance(seconds, int) and not isinstance(seconds, bool) and least <= seconds <= most, "duration", f"duration must be {least} to {most}")
    _must("frames" not in body and ("camera_fixed" not in body or "1-0" in model), "frames", "not supported by this model")
    _must("generate_audio" not in body or sounds and isinstance(body["generate_audio"], bool), "generate_audio", "generate_audio is not supported by this model")
    _must(body.get("service_tier", "default") in ("default", "flex"), "service_tier", "service_tier is not valid")
    audio = sounds and body.get("generate_audio", True)
    heard = {"images": [(role, files.size_of(data)) for role, data in images], "audio": audio, "watermark": body.get("watermark"), "fields": sorted(body)}
    words = ask.hear(model=model, prompt=prompt, seconds=seconds, resolution=resolution, ratio=ratio, **heard)
    if "refuse" in words:
        raise Refused("The request failed because the input text may contain sensitive information.", code="InputTextSensitiveContentDetected")
    facts = {"model": model, "resolution": resolution, "ratio": "16:9" if ratio == "adaptive" else ratio, "duration": seconds, "generate_audio": audio}
    job = ask.submit(ask.mocks.ids("cgt-20261201-"), prompt, facts)
    return Answer(reset=True) if "lost" in words else as_json({"id": job.id})


def _content(content):
    _must(isinstance(content, list) and content, "content", "content must not be empty")
    texts, images = [], []
    for part in content:
        if part.get("type") == "text":
            _must(set(part) == {"type", "text"} and part["text"].strip(), "content.text", "text must not be empty")
            texts.append(part["text"])
            continue
        _must(part.get("type") == "image_url" and set(part) <= {"type", "image_url", "role"}, "content.type", f"content type {part.get('type')} is not valid")
        role = part.get("role", "first_frame")
        _must(role in ROLES, "content.role", f"role {role} is not valid")
        images.append((role, _image(part["image_url"].get("url"))))
    roles = [role for role, _ in images]
    _must(len(texts) == 1, "content", "exactly one text is needed")
    _must(roles.count("first_frame") <= 1 and roles.count("last_frame") <= 1, "content.role", "first/last frame content cannot be repeated")
    _must("last_frame" not in roles or "first_frame" in roles, "content.role", "last_frame needs first_frame")
    _must("reference_image" not in roles or set(roles) == {"reference_image"}, "content.role", "first/last frame content cannot be mixed with reference media content")
    return texts[0], images


def _image(url):
    found = re.fullmatch(r"data:image/([a-z]+);base64,(.*)", url or "", re.DOTALL)
    must(found, "this mock fetches nothing", param="content.image_url", code="InvalidImageURL")
    data = base64.b64decode(found[2], validate=True)
    _must(files.kind_of(data) == found[1], "content.image_url", f"not {found[1]}")
    width, height = files.size_of(data)
    _must(300 <= min(width, height) and max(width, height) <= 6000 and 0.4 <= width / height <= 2.5, "content.image_url", f"image size must be 300 to 6000 pixels, ratio 0.4 to 2.5: {width}x{height}")
    return data


def retrieve(ask):
    job = _job(ask)
    match job.poll():
        case "error":
            raise Refused("The service encountered an unexpected internal error.", status=500)
        case "gone":
            job.deleted = True
    return as_json(_shown(ask, _job(ask)))


def listed(ask):
    size, page = int(ask.query.get("page_size", "10")), int(ask.query.get("page_num", "1"))
    _must(1 <= size <= 500 and 1 <= page <= 500, "page_size", "page_size and page_num must be 1 to 500")
    jobs = ask.mocks.jobs.all("volces")
    if wanted := ask.query.get("filter.status"):
        jobs = [job for job in jobs if job.state == wanted]
    if wanted := ask.query.get("filter.model"):
        jobs = [job for job in jobs if job.facts["model"] == wanted]
    if wanted := ask.query.get("filter.task_ids"):
        jobs = [job for job in jobs if job.id in wanted.split(",")]
    return as_json({"total": len(jobs), "items": [_shown(ask, job) for job in jobs[(page - 1) * size : page * size]]})


def delete(ask):
    """Queued: cancelled. Running: can't be. Over: its record goes."""
    job = _job(ask)
    match job.state:
        case "queued":
            job.cancelled = True
        case "running":
            raise Refused("The task is running and cannot be deleted.", status=409, code="InvalidAction.RunningTaskDeletion")
        case _:
            job.deleted = True
    return as_json({})


def _shown(ask, job):
    state = job.state
    shown = {"id": job.id, "model": job.facts["model"], "status": state, "created_at": job.created_at, "updated_at": job.created_at + int(job.seconds * job.share), "service_tier": "default", "error": None}
    if state == "failed":
        message = "The request failed because the output video may contain sensitive information."
        return shown | {"error": {"code": "OutputVideoSensitiveContentDetected", "message": message}}
    if state != "succeeded":
        return shown
    width, height = SIZES[job.facts["resolution"]][job.facts["ratio"]]
    tokens = width * height * (FRAMES_PER_SECOND * job.facts["duration"] + 1) // 1024
    if "url" not in job.facts:
        job.facts["url"] = ask.mocks.store.sign(files.CLIP, "mp4", job)
    facts = {name: job.facts[name] for name in ("resolution", "ratio", "duration", "generate_audio")}
    more = {"content": {"video_url": job.facts["url"]}, "usage": {"completion_tokens": tokens, "total_tokens": tokens}, "seed": 7, "framespersecond": FRAMES_PER_SECOND}
    return shown | facts | more


def _job(ask):
    job = ask.mocks.jobs.get(ask.groups[0])
    if job is None or job.kind != "volces":
        raise Refused(f"The requested task {ask.groups[0]} is not found.", status=404, code="NotFound.TaskNotFound")
    return job


def _must(condition, param, message):
    must(condition, message, param=param, code="InvalidParameter")
