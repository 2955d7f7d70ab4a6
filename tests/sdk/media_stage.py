"""A gateway of its own for media, before the mocks of `mocks/media`.

    python3 media_stage.py node --test tests/sdk/node/media.test.mjs
"""

import os
import pathlib
import subprocess
import sys
import tempfile

import matrix
import media_matrix
from mocks.media import MediaMocks, files
from mocks.server import SECRET
from stage import Stage


class MediaStage(Stage):
    def __init__(self, mocks=None):
        super().__init__(mocks or MediaMocks().start())

    def catalogue(self):
        return media_matrix.catalogue(self.mocks.url)

    def environment(self):
        return {"SDK_GATEWAY": self.url, "SDK_MEDIA_MOCKS": self.mocks.url, "SDK_KEY": self.key, "SDK_POOR_KEY": self.poor_key, "SDK_FRESH_KEY": self.fresh_key}


def inputs(folder):
    """The files that Node's tests send."""
    made = {
        "first.png": files.picture("png", 320, 320, 1),
        "second.png": files.picture("png", 320, 320, 2),
        "mask.png": files.mask(320, 320),
        "frame.png": files.picture("png", 1280, 720, 3),
        "speech.wav": files.sound("wav", 2.0),
    }
    for name, data in made.items():
        (pathlib.Path(folder) / name).write_bytes(data)
    return {"SDK_MEDIA_INPUTS": str(folder), "SDK_SECRET": SECRET}


def main(command):
    with tempfile.TemporaryDirectory(prefix="easyai-media-") as folder:
        shared = os.environ | inputs(folder)
        if "gateway" not in matrix.WAYS:
            return subprocess.run(command, env=shared | {"SDK_MEDIA_MOCKS": MediaMocks().start().url}).returncode
        with MediaStage() as stage:
            code = subprocess.run(command, env=shared | stage.environment()).returncode
            print(stage.easyai("ledger", "verify"), end="")
            if code:
                sys.stderr.write(stage.log.read_text()[-20_000:])
        return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
