"""The mocks alone, for a person or another program: prints the address and stays."""

import sys
import threading

from mocks.media.server import MediaMocks

mocks = MediaMocks(int(sys.argv[1]) if len(sys.argv) > 1 else 0).start()
print(mocks.url, flush=True)
threading.Event().wait()
