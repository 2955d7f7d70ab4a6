"""Opaque reasoning state: each provider knows what it issued, and notices what another one did."""

import base64
import secrets
import threading

# What the gateway may wrap around state on the way to callers must never reach an upstream.
TAG = "easyai:"


class Opaque:
    def __init__(self):
        self._lock = threading.Lock()
        self._issued = {}
        # Responses that were to be stored: items by their id, and by the response's id all items up to its end.
        self.items = {}
        self.responses = {}

    def issue(self, kind, about=""):
        """A new piece. It is standard base64 whose every character class occurs, `+` and `/` included, as real signatures have them."""
        data = b"\xfb\xef\xbe\xff\xff\xff" + kind.encode() + b":" + secrets.token_bytes(24)
        token = base64.b64encode(data).decode()
        with self._lock:
            self._issued[token] = (kind, about)
        return token

    def about(self, kind, token):
        """What `issue` was told, or None if this kind never issued it. Both alphabets of base64 are read, as Google's servers do."""
        with self._lock:
            owner, about = self._issued.get(_standard(token), (None, None))
        return about if owner == kind else None

    def stranger(self, kind, body):
        """A piece in a request's text that is not this kind's own, or None."""
        if TAG in body or base64.b64encode(TAG.encode() + b"1:").decode()[:10] in body:
            return "the gateway's own tag"
        with self._lock:
            others = [(token, owner) for token, (owner, _) in self._issued.items() if owner != kind]
        for token, owner in others:
            if token in body or _url_safe(token) in body:
                return f"state of {owner}"
        return None


def _standard(token):
    return token.replace("-", "+").replace("_", "/")


def _url_safe(token):
    return token.replace("+", "-").replace("/", "_")
