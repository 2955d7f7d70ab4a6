"""Checks that all strict upstreams share. Each failure is the provider's own 400."""

import base64
import binascii
import json
import re


class Refused(Exception):
    """The request is refused. `status`, and what to write is up to the protocol: message, the field, a code."""

    def __init__(self, message, *, status=400, param=None, code=None, kind=None):
        super().__init__(message)
        self.message, self.status, self.param, self.code, self.kind = message, status, param, code, kind


def must(condition, message, **more):
    if not condition:
        raise Refused(message, **more)


def known(body, fields, at, message):
    """No field but these. `message` takes `field` with its path."""
    must(isinstance(body, dict), f"{at or 'body'}: expected an object")
    for name in body:
        must(name in fields, message.format(field=f"{at}.{name}" if at else name, name=name, at=at), param=name, code="unknown_parameter")


def image_of(data, media_type):
    """The bytes of a picture: they must be one, and of the type that is said."""
    try:
        raw = base64.b64decode(data, validate=True)
    except (binascii.Error, TypeError) as bad:
        raise Refused(f"image: not base64: {bad}") from bad
    magic = {"image/png": b"\x89PNG", "image/jpeg": b"\xff\xd8", "image/gif": b"GIF8", "image/webp": b"RIFF"}
    must(media_type in magic, f"image: unsupported media type {media_type!r}")
    must(raw.startswith(magic[media_type]), f"image: not {media_type}")
    return media_type, raw


def data_url(url):
    must(isinstance(url, str), "image_url: expected a string")
    found = re.fullmatch(r"data:([\w/+.-]+);base64,(.*)", url, re.DOTALL)
    must(found, f"image_url: this mock fetches nothing: {url[:60]}")
    return image_of(found[2], found[1])


def arguments_of(text, at):
    must(isinstance(text, str), f"Invalid type for '{at}': expected a string, but got an object instead.", param=at, code="invalid_type")
    try:
        value = json.loads(text)
    except ValueError as bad:
        raise Refused(f"{at}: arguments are not JSON") from bad
    must(isinstance(value, dict), f"{at}: arguments are no object")
    return value


def strict_schema(schema, at):
    """What OpenAI demands of a strict schema."""
    if not isinstance(schema, dict):
        return
    if schema.get("type") == "object":
        properties = schema.get("properties", {})
        invalid = f"Invalid schema for {at}"
        must(schema.get("additionalProperties") is False, f"{invalid}: 'additionalProperties' is required to be supplied and to be false.")
        must(set(schema.get("required", [])) == set(properties), f"{invalid}: 'required' must include every key in properties.")
    for value in schema.values():
        for each in value.values() if isinstance(value, dict) else value if isinstance(value, list) else []:
            strict_schema(each, at)
