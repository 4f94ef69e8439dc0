"""A TCP connection between a client and a server that a test cuts in the middle, as a lost network would."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Wire:
    """Forwards every connection to a port of this machine; cuts each after so many bytes from the client.

    `limits_bytes` holds the limits of the first connections; those after them are not cut. Once `frozen` is set
    nothing passes any more, and nobody is told.
    """

    def __init__(self, target_port: int, limits_bytes: list[int]) -> None:
        self._target_port = target_port
        self._limits = limits_bytes
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listening.getsockname()[1]
        self.connections = 0
        self.cuts = 0
        self.frozen = threading.Event()
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listening.accept()
            except OSError:
                return
            server = socket.create_connection(("127.0.0.1", self._target_port))
            limit = self._limits[self.connections] if self.connections < len(self._limits) else None
            self.connections += 1
            threading.Thread(target=self._forward, args=(client, server, limit), daemon=True).start()
            threading.Thread(target=self._forward, args=(server, client, None), daemon=True).start()

    def _forward(self, source: socket.socket, target: socket.socket, limit: int | None) -> None:
        passed = 0
        with contextlib.suppress(OSError):
            while data := source.recv(16_384):
                if self.frozen.is_set():
                    continue  # swallowed, as by a cable that was pulled: no end ever hears of it
                passed += len(data)
                if limit is not None and passed > limit:
                    self.cuts += 1
                    break
                target.sendall(data)
        for end in (source, target):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()


@contextmanager
def wire(target_port: int, *limits_bytes: int) -> Iterator[Wire]:
    made = Wire(target_port, list(limits_bytes))
    try:
        yield made
    finally:
        made.close()
