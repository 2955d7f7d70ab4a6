"""OpenAI's `/images/generations` and `/images/edits`, and those of a compatible server (`flux-1`), which takes `response_format`.

The fields are those of `openai-python`'s own types; what each family refuses is `providers.md` 4.3.
"""

import base64
import re

from mocks.check import Refused, must
from mocks.media import files
from mocks.media.ask import as_events, as_json

SHARED = set("prompt model n size quality user".split())
GPT = SHARED | set("background moderation output_format output_compression stream partial_images safety_identifier".split())
EDIT = (GPT | {"input_fidelity"}) - {"moderation"}
# `images` is the JSON way to say `image`.
FIELDS = {"gpt-image": GPT, "dall-e-3": SHARED | {"response_format", "style"}, "flux": SHARED | {"response_format", "seed"}}
SIZES = {
    "gpt-image": "auto 1024x1024 1536x1024 1024x1536".split(),
    "dall-e-3": "1024x1024 1792x1024 1024x1792".split(),
    "flux": None,
}
QUALITIES = {"gpt-image": "auto low medium high".split(), "dall-e-3": ["standard", "hd"], "flux": ["standard"]}
NUMBERS, FLAGS = {"n", "output_compression", "partial_images", "seed"}, {"stream"}
TOKENS_OF_TEXT, TOKENS_OF_INPUT, TOKENS_OF_OUTPUT = 20, 300, 1056
MAX_FILE = 50 << 20


def generations(ask):
    body = ask.json()
    family = _family(body)
    _known(body, FIELDS[family])
    return _make(ask, body, family, [], None, "image_generation")


def edits(ask):
    body, images, masks = _form(ask) if ask.is_form else _json_edit(ask)
    family = _family(body)
    must(family != "dall-e-3", "The model 'dall-e-3' does not support image edits.", param="model", code="invalid_value")
    _known(body, EDIT if family == "gpt-image" else FIELDS[family])
    must(images, "Missing required parameter: 'image'.", param="image", code="missing_required_parameter")
    must(len(images) <= 16, f"Invalid 'image': array too long. Expected at most 16, got {len(images)}.", param="image", code="array_above_max_length")
    must(len(masks) <= 1, "Duplicate parameter: 'mask'.", param="mask")
    if masks:
        must(files.kind_of(masks[0]) == "png", "Invalid mask image format - mask image must be a PNG.", param="mask", code="invalid_mask_image_format")
        must(files.size_of(masks[0]) == files.size_of(images[0]), "Invalid mask image size - mask and image must have the same size.", param="mask")
    return _make(ask, body, family, images, masks[0] if masks else None, "image_edit")


def _form(ask):
    body, images, masks = {}, [], []
    for part in ask.form():
        if part.name in ("image", "image[]", "mask"):
            must(part.filename is not None, f"Invalid type for '{part.name}': expected a file, but got a string instead.", param="image", code="invalid_type")
            (masks if part.name == "mask" else images).append(_file(part.data, part.media_type, part.name.removesuffix("[]")))
        else:
            must(part.name not in body, f"Duplicate parameter: '{part.name}'.", param=part.name, code="duplicate_parameter")
            body[part.name] = _typed(part.name, part.text)
    return body, images, masks


def _json_edit(ask):
    body = ask.json()

    def read(given, at):
        must(isinstance(given, dict) and set(given) == {"image_url"}, f"Invalid type for '{at}': expected an object.", param=at, code="invalid_type")
        found = re.fullmatch(r"data:(image/[a-z]+);base64,(.*)", given["image_url"], re.DOTALL)
        must(found, f"{at}: this mock fetches nothing", param=at)
        return _file(base64.b64decode(found[2]), found[1], at)

    images = [read(each, f"images[{at}]") for at, each in enumerate(body.pop("images", []))]
    masks = [read(body.pop("mask"), "mask")] if "mask" in body else []
    return body, images, masks


def _file(data, media_type, at):
    allowed = "Supported file formats are 'image/jpeg', 'image/png', and 'image/webp'."
    must(media_type in ("image/png", "image/jpeg", "image/webp"), f"Invalid file '{at}': unsupported mimetype ('{media_type}'). {allowed}", param=at, code="unsupported_file_mimetype")
    must(files.kind_of(data) == media_type.removeprefix("image/"), f"Invalid image file or mode for {at}, please check your image file.", param=at, code="invalid_image_file")
    must(len(data) < MAX_FILE, f"Invalid file '{at}': too large.", param=at)
    return data


def _typed(name, text):
    """Numbers and flags come as text in a form."""
    if name in NUMBERS:
        must(re.fullmatch(r"-?\d+", text), f"Invalid type for '{name}': expected an integer, but got a string instead.", param=name, code="invalid_type")
        return int(text)
    if name in FLAGS:
        must(text in ("true", "false"), f"Invalid type for '{name}': expected a boolean.", param=name, code="invalid_type")
        return text == "true"
    return text


def _family(body):
    model = body.get("model")
    for family in FIELDS:
        if isinstance(model, str) and model.startswith(family):
            return family
    raise Refused(f"Invalid value: '{model}'. The model does not exist.", param="model", code="invalid_value")


def _known(body, fields):
    for name in body:
        must(name in fields, f"Unknown parameter: '{name}'.", param=name, code="unknown_parameter")


def _make(ask, body, family, images, mask, event):
    prompt = body.get("prompt")
    must(isinstance(prompt, str) and prompt.strip(), "Missing required parameter: 'prompt'.", param="prompt", code="missing_required_parameter")
    n = _whole(body, "n", 1, 1, 1 if family == "dall-e-3" else 10)
    width, height = _size(body, family)
    quality = _one_of(body, "quality", QUALITIES[family])
    form = _one_of(body, "output_format", ["png", "jpeg", "webp"]) or "png"
    compression = _whole(body, "output_compression", 100, 0, 100)
    must(compression == 100 or form != "png", "Compression less than 100 is not supported for PNG output format", param="output_compression", code="invalid_value")
    background = _one_of(body, "background", ["auto", "transparent", "opaque"])
    must(background != "transparent" or form != "jpeg", "Transparent background is not supported for JPEG output format", param="background")
    _one_of(body, "input_fidelity", ["high", "low"])
    stream = body.get("stream") or False
    must(isinstance(stream, bool), "Invalid type for 'stream': expected a boolean.", param="stream", code="invalid_type")
    partials = _whole(body, "partial_images", 0, 0, 3)
    must(not partials or stream, "The 'partial_images' parameter is only allowed when 'stream' is enabled.", param="partial_images")
    response = _one_of(body, "response_format", ["url", "b64_json"])
    sizes = [files.size_of(image) for image in images]
    words = ask.hear(model=body["model"], prompt=prompt, n=n, size=body.get("size"), quality=quality, images=sizes, mask=mask is not None, stream=stream, partials=partials, fields=sorted(body))
    if "refuse" in words:
        raise Refused("Your request was rejected by the safety system.", code="moderation_blocked", kind="image_generation_user_error")
    ask.wait(words)

    def made(at):
        return files.picture(form, width, height, at + len(images))

    shown = {"size": f"{width}x{height}", "quality": quality if quality not in (None, "auto") else "high", "background": "opaque", "output_format": form}
    if stream:
        return as_events(_events(event, made, n, partials, shown, _usage(n, images)))
    answer = {"created": 1_760_000_000, "data": [_item(ask, made(at), form, family, response) for at in range(n)]}
    return as_json(answer | (shown | {"usage": _usage(n, images)} if family == "gpt-image" else {}))


def _item(ask, data, form, family, response):
    if family == "gpt-image" or response == "b64_json":
        return {"b64_json": base64.b64encode(data).decode()}
    more = {"revised_prompt": "A quite different prompt."} if family == "dall-e-3" else {}
    return {"url": ask.mocks.store.sign(data, form)} | more


def _events(event, made, n, partials, shown, usage):
    """Fewer drafts than asked for is normal: this one never makes the third."""
    frame = shown | {"created_at": 1_760_000_000}
    for at in range(n):
        for index in range(min(partials, 2)):
            draft = base64.b64encode(made(100 + index)).decode()
            yield frame | {"type": f"{event}.partial_image", "partial_image_index": index, "b64_json": draft}
        yield frame | {"type": f"{event}.completed", "b64_json": base64.b64encode(made(at)).decode(), "usage": usage}


def _usage(n, images):
    seen, drawn = TOKENS_OF_INPUT * len(images), TOKENS_OF_OUTPUT * n
    return {
        "input_tokens": TOKENS_OF_TEXT + seen,
        "output_tokens": drawn,
        "total_tokens": TOKENS_OF_TEXT + seen + drawn,
        "input_tokens_details": {"text_tokens": TOKENS_OF_TEXT, "image_tokens": seen},
        "output_tokens_details": {"text_tokens": 0, "image_tokens": drawn},
    }


def _size(body, family):
    size = body.get("size") or "auto"
    must(isinstance(size, str), "Invalid type for 'size': expected a string.", param="size", code="invalid_type")
    found = re.fullmatch(r"(\d+)x(\d+)", size)
    free = body["model"].startswith("gpt-image-2") and found and all(int(side) % 16 == 0 for side in found.groups())
    allowed = SIZES[family]
    if allowed is not None and not free and not (size == "auto" and family == "dall-e-3"):
        must(size in allowed, f"Invalid value: '{size}'. Supported values are: {allowed}.", param="size", code="invalid_value")
    must(found or size == "auto", f"Invalid size: '{size}'.", param="size", code="invalid_value")
    return (int(found[1]), int(found[2])) if found else (1024, 1024)


def _one_of(body, name, allowed):
    value = body.get(name)
    must(value is None or value in allowed, f"Invalid value: '{value}'. Supported values are: {allowed}.", param=name, code="invalid_value")
    return value


def _whole(body, name, default, low, high):
    value = body.get(name)
    if value is None:
        return default
    must(isinstance(value, int) and not isinstance(value, bool), f"Invalid type for '{name}': expected an integer.", param=name, code="invalid_type")
    must(value >= low, f"Invalid '{name}': integer below minimum value. Expected a value >= {low}, but got {value} instead.", param=name, code="integer_below_min_value")
    must(value <= high, f"Invalid '{name}': integer above maximum value. Expected a value <= {high}, but got {value} instead.", param=name, code="integer_above_max_value")
    return value
