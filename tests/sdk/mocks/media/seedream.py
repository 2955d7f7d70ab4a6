"""Ark's `/images/generations`: Seedream, which makes and edits (`providers.md` 7.5). Codes as in 12.4."""

import base64
import re

from mocks.check import Refused, must
from mocks.media import files
from mocks.media.ask import as_events, as_json

FIELDS = set(
    "model prompt image size sequential_image_generation sequential_image_generation_options stream response_format output_format watermark"
    " optimize_prompt_options tools seed guidance_scale background safety_identifier user".split()
)
# tiers, least and most pixels, inputs, group and stream
MODELS = {
    "doubao-seedream-5-0-pro-260628": ("1K 1.5K 2K", 921_600, 4_624_220, 10, False),
    "doubao-seedream-5-0-lite-260128": ("2K 3K 4K", 3_686_400, 10_404_496, 14, True),
    "doubao-seedream-4-5-251128": ("2K 4K", 3_686_400, 16_777_216, 14, True),
    "doubao-seedream-4-0-250828": ("1K 2K 4K", 921_600, 16_777_216, 14, True),
}
SIDES = {"1K": 1024, "1.5K": 1536, "2K": 2048, "3K": 3072, "4K": 4096}
MAX_GROUP = 15


def generations(ask):
    body = ask.json()
    model, prompt = body.get("model"), body.get("prompt")
    for name in body:
        must(name in FIELDS, f"The parameter `{name}` specified in the request is not valid.", param=name, code="InvalidParameter")
    if model not in MODELS:
        raise Refused(f"The model or endpoint {model} does not exist or you do not have access to it.", status=404, code="InvalidEndpointOrModel.NotFound")
    tiers, least, most, inputs, groups = MODELS[model]
    must(isinstance(prompt, str) and prompt.strip(), "The request failed because it is missing `prompt` parameter", param="prompt", code="MissingParameter")
    width, height = _size(body.get("size", "2K"), tiers.split(), least, most)
    images = [_image(each) for each in ([body["image"]] if isinstance(body.get("image"), str) else body.get("image", []))]
    must(len(images) <= inputs, f"at most {inputs} images", param="image", code="InvalidParameter")
    count = _count(body, len(images), groups)
    stream = body.get("stream", False)
    must(isinstance(stream, bool) and (groups or not stream), "`stream` is not supported by this model", param="stream", code="InvalidParameter")
    response = _one_of(body, "response_format", ["url", "b64_json"]) or "url"
    form = _one_of(body, "output_format", ["png", "jpeg"])
    must(form is None or "-5-0-" in model, "`output_format` is not supported by this model", param="output_format", code="InvalidParameter")
    must("guidance_scale" not in body and "seed" not in body, "`seed` and `guidance_scale` are not supported by this model", param="seed", code="InvalidParameter")
    must(isinstance(body.get("watermark", True), bool), "`watermark` must be a boolean", param="watermark", code="InvalidParameter")
    heard = {"images": [files.size_of(data) for data in images], "watermark": body.get("watermark"), "stream": stream, "fields": sorted(body)}
    words = ask.hear(model=model, prompt=prompt, n=count, size=body.get("size"), **heard)
    if "refuse" in words:
        raise Refused("The request failed because the input text may contain sensitive information.", code="InputTextSensitiveContentDetected")
    ask.wait(words)
    items = _items(ask, count, width, height, form or "jpeg", response, words, len(images))
    good = [item for item in items if "error" not in item]
    tokens = len(good) * width * height // 256
    usage = {"generated_images": len(good), "output_tokens": tokens, "total_tokens": tokens}
    if stream:
        return as_events([*_events(model, items), {"type": "image_generation.completed", "model": model, "created": 1_760_000_000, "usage": usage}, "[DONE]"], spaced=False)
    return as_json({"model": model, "created": 1_760_000_000, "data": items, "usage": usage})


def _items(ask, count, width, height, form, response, words, offset):
    items = []
    for at in range(count):
        if "all-fail" in words or "item-fails" in words and at == 1:
            message = "The request failed because the output image may contain sensitive information."
            items.append({"error": {"code": "OutputImageSensitiveContentDetected", "message": message}})
            continue
        data = files.picture(form, width, height, at + offset)
        file = {"b64_json": base64.b64encode(data).decode()} if response == "b64_json" else {"url": ask.mocks.store.sign(data, form)}
        items.append(file | {"size": f"{width}x{height}"})
    return items


def _events(model, items):
    for index, item in enumerate(items):
        kind = "partial_failed" if "error" in item else "partial_succeeded"
        yield {"type": f"image_generation.{kind}", "model": model, "created": 1_760_000_000, "image_index": index} | item


def _size(size, tiers, least, most):
    must(isinstance(size, str), "`size` must be a string", param="size", code="InvalidParameter")
    if size in tiers:
        return SIDES[size], SIDES[size]
    found = re.fullmatch(r"(\d+)x(\d+)", size)
    must(found, f"The parameter `size` specified in the request is not valid: {size}", param="size", code="InvalidParameter")
    width, height = int(found[1]), int(found[2])
    must(width and height and least <= width * height <= most, f"image size must be at least {least} pixels and at most {most}.", param="size", code="InvalidParameter")
    must(1 / 16 <= width / height <= 16, "the aspect ratio must be between 1:16 and 16:1", param="size", code="InvalidParameter")
    return width, height


def _image(given):
    must(isinstance(given, str), "`image` must be a string or an array of strings", param="image", code="InvalidParameter")
    found = re.fullmatch(r"data:image/([a-z]+);base64,(.*)", given, re.DOTALL)
    must(found, "`image`: this mock fetches nothing", param="image", code="InvalidImageURL")
    data = base64.b64decode(found[2], validate=True)
    must(files.kind_of(data) == found[1], f"`image`: not {found[1]}", param="image", code="InvalidParameter")
    return data


def _count(body, inputs, groups):
    how, options = body.get("sequential_image_generation", "disabled"), body.get("sequential_image_generation_options")
    must(how in ("auto", "disabled"), f"`sequential_image_generation`: {how}", param="sequential_image_generation", code="InvalidParameter")
    must(groups or "sequential_image_generation" not in body, "`sequential_image_generation` is not supported by this model", param="sequential_image_generation", code="InvalidParameter")
    must(options is None or how == "auto" and set(options) == {"max_images"}, "`sequential_image_generation_options` is not valid", param="sequential_image_generation_options", code="InvalidParameter")
    if how == "disabled":
        return 1
    most = (options or {}).get("max_images", MAX_GROUP)
    must(isinstance(most, int) and 1 <= most and most + inputs <= MAX_GROUP, f"`max_images` must be 1 to {MAX_GROUP} less the inputs", param="max_images", code="InvalidParameter")
    return most


def _one_of(body, name, allowed):
    value = body.get(name)
    must(value is None or value in allowed, f"The parameter `{name}` specified in the request is not valid.", param=name, code="InvalidParameter")
    return value
