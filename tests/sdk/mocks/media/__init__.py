"""Upstreams that make and hear media, in one process, each as strict as the real one (`providers.md` 4.3–4.5, 6.5–6.9, 7.5–8).

    http://…/openai/v1            /images/generations, /images/edits, /videos, /audio/speech, /audio/transcriptions, /audio/translations
    http://…/gemini/v1beta        :generateContent with images and sound, :predictLongRunning, operations, files; also with `/gemini` alone
    http://…/volces/api/v3        /images/generations (Seedream), /contents/generations/tasks (Seedance)
    http://…/openspeech           /api/v3/tts/unidirectional, /api/v3/auc/bigmodel/recognize/flash

Files that are answered by URL lie at another port, as at real providers: the URL is signed, so it must be used byte for byte, and a request
that brings a credential along is refused.

Models have their real names, since clients decide by them what to send. What goes wrong is written in the prompt: `mock:fail` and the other
words of `directives.py`. Everything that was asked is kept, and every job counts who asked for it.

`python3 -m mocks.media [PORT]` in `tests/sdk` runs it alone.
"""

from mocks.media import files
from mocks.media.server import MediaMocks

__all__ = ["MediaMocks", "files"]
