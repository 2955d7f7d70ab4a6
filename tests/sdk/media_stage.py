"""A gateway of its own for media, before the mocks of `mocks/media`.

Its files and callbacks come from and go to this machine, which a gateway refuses unless it is told that it may.

    python3 media_stage.py node --test tests/sdk/node/media.test.mjs
"""

import os
import subprocess
import sys

import media_matrix
from mocks.media import MediaMocks
from stage import Stage


class MediaStage(Stage):
    SETTINGS = {"EASYAI_EGRESS_ALLOW_PRIVATE": "true"}

    def __init__(self, mocks=None):
        super().__init__(mocks or MediaMocks().start())

    def catalogue(self):
        return media_matrix.catalogue(self.mocks.url)

    def environment(self):
        return {"SDK_GATEWAY": self.url, "SDK_MEDIA_MOCKS": self.mocks.url, "SDK_KEY": self.key, "SDK_POOR_KEY": self.poor_key, "SDK_FRESH_KEY": self.fresh_key}


def main(command):
    with MediaStage() as stage:
        code = subprocess.run(command, env=os.environ | stage.environment()).returncode
        print(stage.easyai("ledger", "verify"), end="")
        if code:
            sys.stderr.write(stage.log.read_text()[-20_000:])
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
