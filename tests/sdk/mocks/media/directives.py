"""What a prompt tells the mock to do: words such as `mock:fail` or `mock:seconds=2.5` in it.

| word | what happens |
|---|---|
| `seconds=S` | the job takes so long; everything else answers after so long |
| `fail` | the job fails for its content |
| `refuse` | the request is refused for its content, at once |
| `item-fails` | the second of several images fails, the others come |
| `all-fail` | every image fails, inside a 200 |
| `cut` | the connection breaks after the first piece of speech |
| `no-image` | the model says something instead of drawing |
| `lost` | the job is accepted, and the connection breaks before the answer |
| `poll-errors=N` | so many polls are answered 500 |
| `unknown=N` | so many polls are answered 404, the job's first ones |
| `elsewhere` | its file is told in a place of its own, by a path at the platform, behind the platform's key (OpenAI's videos) |
| `gone` | the second poll is a 404, and all that follow |
| `no-file` | the job is done, but a fetch of its file is answered 5xx |
| `short` | its file breaks off in the middle |
| `expired` | its file is answered 403 |
| `not-ready` | its file is answered 409 |
| `not-yet` | its file is answered 422 |
| `inwards` | its file sends on to the address of a cloud's metadata |
| `web-page` | its file says that it is a video, and is a page of a web site |
| `empty` | its file has no bytes |
| `drip` | its file comes byte by byte, one a second (where the platform itself has it) |

Those that spoil a file do so for the first `N` fetches (`short=N`); without a number for ever.
"""

import re

# Words that spoil a job's file.
SPOILERS = ("no-file", "short", "expired", "not-ready", "not-yet", "inwards", "web-page", "empty", "drip")
WORD = re.compile(r"mock:([a-z-]+)(?:=([\d.]+))?")


def directives(prompt):
    """The words and their numbers; a word without one has None."""
    return {word: float(number) if number else None for word, number in WORD.findall(prompt or "")}
