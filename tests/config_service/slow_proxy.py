"""A Redis that answers everything, but late: a relay that holds each answer back."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote


def _relay(source: socket.socket, target: socket.socket, delay_s: float) -> None:
    waiting = threading.Event()
    try:
        while piece := source.recv(65536):
            waiting.wait(delay_s)
            target.sendall(piece)
    except OSError:
        pass
    finally:
        for end in (source, target):
            end.close()


@contextmanager
def slow(server_socket: Path, folder: Path, delay_s: float) -> Iterator[str]:
    """Yield the address of a relay to the server's socket that delays every answer."""
    place = folder / "slow.sock"
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(str(place))
    listening.listen(64)

    def accept() -> None:
        while True:
            try:
                caller, _ = listening.accept()
            except OSError:
                return
            server = socket.socket(socket.AF_UNIX)
            server.connect(str(server_socket))
            for ends in ((caller, server, 0.0), (server, caller, delay_s)):
                threading.Thread(target=_relay, args=ends, daemon=True).start()

    accepting = threading.Thread(target=accept, daemon=True)
    accepting.start()
    try:
        yield f"unix://{quote(str(place))}?db=0"
    finally:
        listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        accepting.join(10)
