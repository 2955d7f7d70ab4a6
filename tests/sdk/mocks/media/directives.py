"""What a prompt tells the mock to do: words such as `mock:fail` or `mock:seconds=2.5` in it.

| word | what happens |
|---|---|
| `seconds=S` | the job takes so long; everything else answers after so long |
| `fail` | the job fails for its content |
| `refuse` | the request is refused for its content, at once |
| `item-fails` | the second of several images fails, the others come |
| `all-fail` | every image fails, inside a 200 |
| `no-image` | the model says something instead of drawing |
| `lost` | the job is accepted, and the connection breaks before the answer |
| `poll-errors=N` | so many polls are answered 500 |
| `gone` | the second poll is a 404, and all that follow |
| `no-file` | the job is done, its file is not there for the first `N` fetches (`no-file=N`; without a number: ever) |
"""

import re

WORD = re.compile(r"mock:([a-z-]+)(?:=([\d.]+))?")


def directives(prompt):
    """The words and their numbers; a word without one has None."""
    return {word: float(number) if number else None for word, number in WORD.findall(prompt or "")}
