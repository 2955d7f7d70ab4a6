"""Five kinds of upstream in one process, each as strict as the real one and with its own habits on the wire.

    http://…/openai/v1            chat completions (kind `openai`), responses (kind `responses`), embeddings, moderations, completions, rerank
    http://…/anthropic            /v1/messages, /v1/messages/count_tokens
    http://…/gemini/v1beta        :generateContent, :streamGenerateContent, :countTokens, :embedContent, :batchEmbedContents; also under /gemini/v1
    http://…/volces/api/v3        chat completions (kind `volces`), responses (kind `ark`)

What an upstream does is chosen by the name of its model, `FAMILY--BEHAVIOUR[--drip]`: the family decides what it refuses, as with the real
ones, the behaviour what it says (`said.py`), and `drip` cuts a stream into pieces of five bytes.

`python3 -m mocks [PORT]` in `tests/sdk` runs it alone.
"""

from mocks.server import SECRET, Mocks

__all__ = ["SECRET", "Mocks"]
