"""A network that carries one byte at a time, both ways. It stands between an SDK and the gateway."""

import socket
import threading


class Drip:
    """Listens on a port of its own and passes on every connection to `port`, a byte in each write."""

    def __init__(self, port):
        self._to = port
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self._listener.getsockname()[1]

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def start(self):
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def _accept(self):
        while True:
            near, _ = self._listener.accept()
            far = socket.create_connection(("127.0.0.1", self._to))
            for one, other in ((near, far), (far, near)):
                one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                threading.Thread(target=_carry, args=(one, other), daemon=True).start()


def _carry(source, sink):
    try:
        while data := source.recv(4096):
            for at in range(len(data)):
                sink.sendall(data[at : at + 1])
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        # One side is gone: the other learns it by its own end.
        for side in (source, sink):
            try:
                side.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
