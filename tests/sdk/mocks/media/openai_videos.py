"""OpenAI's `/videos`: create, retrieve, list, content, delete, remix (`providers.md` 4.4)."""

import base64
import re

from mocks.check import Refused, must
from mocks.media import files
from mocks.media.ask import Answer, as_file, as_json

FIELDS = {"prompt", "model", "seconds", "size", "input_reference"}
SECONDS = ["4", "8", "12"]
SIZES = {"sora-2": ["720x1280", "1280x720"], "sora-2-pro": ["720x1280", "1280x720", "1024x1792", "1792x1024"]}
STATES = {"queued": "queued", "running": "in_progress", "succeeded": "completed", "failed": "failed", "cancelled": "failed"}
POLL_AFTER_MS = 200


def create(ask):
    body, reference = _form(ask) if ask.is_form else _json(ask)
    for name in body:
        must(name in FIELDS, f"Unknown parameter: '{name}'.", param=name, code="unknown_parameter")
    model, prompt = body.get("model", "sora-2"), body.get("prompt")
    must(model in SIZES, f"Invalid value: '{model}'. Supported values are: {list(SIZES)}.", param="model", code="invalid_value")
    must(isinstance(prompt, str) and prompt.strip(), "Missing required parameter: 'prompt'.", param="prompt", code="missing_required_parameter")
    seconds = body.get("seconds", "4")
    must(isinstance(seconds, str), "Invalid type for 'seconds': expected one of '4', '8', or '12', but got an integer instead.", param="seconds", code="invalid_type")
    must(seconds in SECONDS, f"Invalid value: '{seconds}'. Supported values are: '4', '8', and '12'.", param="seconds", code="invalid_value")
    size = body.get("size", "720x1280")
    must(size in SIZES[model], f"Invalid value: '{size}'. Supported values are: {SIZES[model]}.", param="size", code="invalid_value")
    if reference:
        must("x".join(map(str, files.size_of(reference))) == size, "Inpaint image must match the requested width and height", param="input_reference")
    words = ask.hear(model=model, prompt=prompt, seconds=seconds, size=size, images=[files.size_of(reference)] if reference else [], fields=sorted(body))
    if "refuse" in words:
        raise Refused("Your request was blocked by our moderation system.", code="moderation_blocked")
    job = ask.submit(ask.mocks.ids("video_"), prompt, {"model": model, "seconds": seconds, "size": size, "remixed_from_video_id": None})
    return Answer(reset=True) if "lost" in words else as_json(_shown(job))


def _form(ask):
    body, reference = {}, None
    for part in ask.form():
        must(part.name not in body, f"Duplicate parameter: '{part.name}'.", param=part.name)
        if part.name == "input_reference":
            must(part.filename is not None, "Invalid type for 'input_reference': expected a file.", param="input_reference", code="invalid_type")
            allowed = ("image/jpeg", "image/png", "image/webp")
            must(part.media_type in allowed, f"Invalid file 'input_reference': unsupported mimetype ('{part.media_type}').", param="input_reference", code="unsupported_file_mimetype")
            must(files.kind_of(part.data) == part.media_type.removeprefix("image/"), "Invalid image file.", param="input_reference")
            reference = part.data
        elif part.name == "input_reference[image_url]":
            raise Refused("input_reference: this mock fetches nothing", param="input_reference")
        else:
            body[part.name] = part.text
    return body, reference


def _json(ask):
    body = ask.json()
    given = body.get("input_reference")
    if given is None:
        return body, None
    must(isinstance(given, dict) and set(given) == {"image_url"}, "Invalid type for 'input_reference': expected an object.", param="input_reference", code="invalid_type")
    found = re.fullmatch(r"data:image/(png|jpeg|webp);base64,(.*)", given["image_url"], re.DOTALL)
    must(found, "input_reference: this mock fetches nothing", param="input_reference")
    data = base64.b64decode(found[2])
    must(files.kind_of(data) == found[1], "Invalid image file.", param="input_reference")
    return body, data


def retrieve(ask):
    job = _job(ask)
    match job.poll():
        case "error":
            raise Refused("The server had an error while processing your request.", status=500)
        case "unknown":
            raise Refused(f"Video with id '{job.id}' not found.", status=404, code="not_found")
        case "gone":
            job.deleted = True
    return as_json(_shown(_job(ask)), openai_poll_after_ms=str(POLL_AFTER_MS))


def listed(ask):
    jobs = ask.mocks.jobs.all("openai")
    if ask.query.get("order") == "asc":
        jobs.reverse()
    if after := ask.query.get("after"):
        at = next((index for index, job in enumerate(jobs) if job.id == after), None)
        must(at is not None, f"No video '{after}'.", param="after")
        jobs = jobs[at + 1 :]
    limit = int(ask.query.get("limit", "20"))
    must(1 <= limit <= 100, "Invalid 'limit'.", param="limit")
    page = [_shown(job) for job in jobs[:limit]]
    ends = {"first_id": page[0]["id"], "last_id": page[-1]["id"]} if page else {"first_id": None, "last_id": None}
    return as_json({"object": "list", "data": page, "has_more": len(jobs) > limit} | ends)


def content(ask):
    job = _job(ask)
    variant = ask.query.get("variant", "video")
    must(variant in ("video", "thumbnail", "spritesheet"), f"Invalid value: '{variant}'.", param="variant", code="invalid_value")
    must(job.state == "succeeded", "Video is not ready yet, use GET /v1/videos/{video_id} to check status.", status=404, code="video_not_ready")
    if variant == "video":
        return as_file(job, files.CLIP, "video/mp4")
    return Answer(files.picture("webp", 320, 180), "image/webp") if variant == "thumbnail" else Answer(files.picture("jpeg", 640, 360), "image/jpeg")


def delete(ask):
    job = _job(ask)
    must(job.state in ("succeeded", "failed"), "Video cannot be deleted while it is being generated.", status=409)
    job.deleted = True
    return as_json({"id": job.id, "object": "video.deleted", "deleted": True})


def remix(ask):
    job, body = _job(ask), ask.json()
    must(set(body) == {"prompt"}, f"Unknown parameter: '{sorted(set(body) - {'prompt'})}'.", code="unknown_parameter")
    must(job.state == "succeeded", "Video is not ready to be remixed.", param="video_id")
    ask.hear(prompt=body["prompt"], remix_of=job.id)
    return as_json(_shown(ask.submit(ask.mocks.ids("video_"), body["prompt"], job.facts | {"remixed_from_video_id": job.id})))


def _job(ask):
    job = ask.mocks.jobs.get(ask.groups[0])
    if job is None or job.kind != "openai":
        raise Refused(f"Video with id '{ask.groups[0]}' not found.", status=404, code="not_found")
    return job


def _shown(job):
    state = job.state
    done = state in ("succeeded", "failed")
    ended = job.created_at + int(job.seconds) if done else None
    elsewhere = {"outputs": [{"url": f"/openai/v1/videos/{job.id}/content"}]} if state == "succeeded" and "elsewhere" in job.words else {}
    return job.facts | elsewhere | {
        "id": job.id,
        "object": "video",
        "status": STATES[state],
        "progress": 100 if state == "succeeded" else job.percent if state == "running" else 0,
        "created_at": job.created_at,
        "completed_at": ended,
        "expires_at": ended and ended + 3600,
        "prompt": job.prompt,
        "error": {"code": "moderation_blocked", "message": "The video was blocked by our moderation system."} if state == "failed" else None,
    }
