"""Reads `multipart/form-data` as servers do: what is no proper form is refused."""

import re
from dataclasses import dataclass

from mocks.check import Refused, must


@dataclass(frozen=True)
class Part:
    name: str
    filename: str
    media_type: str
    data: bytes

    @property
    def text(self):
        return self.data.decode()


def read_form(content_type, body):
    """The parts in their order."""
    found = re.search(r'boundary="?([^";]+)"?', content_type)
    must(found, "Could not parse multipart form: no boundary")
    edge = b"--" + found[1].encode()
    pieces = (b"\r\n" + body).split(b"\r\n" + edge)
    must(pieces[-1].startswith(b"--"), "Could not parse multipart form: it does not end")
    return [_part(piece) for piece in pieces[1:-1]]


def _part(piece):
    head, split, data = piece.removeprefix(b"\r\n").partition(b"\r\n\r\n")
    must(split, "Could not parse multipart form: a part without headers")
    headers = {}
    for line in head.decode().split("\r\n"):
        name, _, value = line.partition(":")
        headers[name.strip().lower()] = value.strip()
    disposition = headers.get("content-disposition", "")
    name = re.search(r'[; ]name="([^"]*)"', disposition)
    if not name:
        raise Refused("Could not parse multipart form: a part without a name")
    filename = re.search(r'filename="([^"]*)"', disposition)
    return Part(name[1], filename[1] if filename else None, headers.get("content-type"), data)
