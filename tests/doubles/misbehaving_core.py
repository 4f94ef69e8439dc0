"""A remote CORE on loopback: a real HTTP server that answers as it should, or in one of many wrong ways."""

from __future__ import annotations

import gzip
import json
import socket
import struct
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from sessions_app.understanding.client import answer
from sessions_app.understanding.engine import EmbeddedCore
from sessions_app.understanding.errors import CoreRequestInvalid

_CORE = EmbeddedCore()
_DRIP_S = 0.03
_BOMB = gzip.compress(bytes(5_000_000))
Headers = Mapping[str, str]
_NONE: Headers = {}


class Exchange(BaseHTTPRequestHandler):
    """One connection. A behaviour gets it with the request's body and does with it what it likes."""

    protocol_version = "HTTP/1.1"
    server: Listener

    def do_POST(self) -> None:
        self.body = self.rfile.read(int(self.headers["Content-Length"]))
        core = self.server.core
        with core.counting:
            core.asked.append(self)
        core.behaviour(self)

    def do_GET(self) -> None:
        self.server.core.followed += 1
        self.send_error(404)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""

    def reply(
        self, body: bytes, status: int = 200, media_type: str = "application/json", headers: Headers = _NONE
    ) -> None:
        """Send a whole answer."""
        self.start({"Content-Length": str(len(body)), **headers}, status, media_type)
        self.wfile.write(body)

    def start(self, headers: Headers, status: int = 200, media_type: str = "application/json") -> None:
        """Send the head of an answer."""
        self.send_response(status)
        for name, value in {"Content-Type": media_type, **headers}.items():
            self.send_header(name, value)
        self.end_headers()

    def right_answer(self) -> dict[str, Any]:
        """What a CORE that works says."""
        found: dict[str, Any] = json.loads(answer(_CORE, self.body))
        return found

    def wait(self, for_s: float | None = None) -> bool:
        """Wait, at most until the server goes down; returns whether it does."""
        return self.server.core.closing.wait(for_s)

    def drip(self, data: bytes) -> None:
        """Send byte by byte, each soon enough for a timeout that starts anew with every byte."""
        for byte in data:
            if self.wait(_DRIP_S):
                return
            self.wfile.write(bytes([byte]))
            self.wfile.flush()


class Listener(ThreadingHTTPServer):
    """The socket; a client that gives up is no error here."""

    daemon_threads = True
    core: Core

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing."""


Behaviour = Callable[[Exchange], None]


class Core:
    """The server. `asked` holds the exchanges so far, `followed` counts redirects that somebody followed."""

    def __init__(self) -> None:
        self.behaviour: Behaviour = behave
        self.asked: list[Exchange] = []
        self.followed = 0
        self.counting = threading.Lock()
        self.closing = threading.Event()
        self._listener = Listener(("127.0.0.1", 0), Exchange)
        self._listener.core = self
        self.url = f"http://127.0.0.1:{self._listener.server_address[1]}/understand"

    @contextmanager
    def running(self) -> Iterator[Core]:
        """Serve until the block ends."""
        thread = threading.Thread(target=self._listener.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self.closing.set()
            self._listener.shutdown()
            self._listener.server_close()
            thread.join(5)


def behave(exchange: Exchange) -> None:
    """Answer as the contract says."""
    try:
        exchange.reply(answer(_CORE, exchange.body).encode())
    except CoreRequestInvalid as error:
        exchange.reply(json.dumps({"code": error.code}).encode(), status=422)


def hang(exchange: Exchange) -> None:
    """Take the question and never answer."""
    exchange.wait()


def slow(exchange: Exchange) -> None:
    """Answer rightly, but later than anybody waits."""
    exchange.wait(3.0)
    behave(exchange)


def reset(exchange: Exchange) -> None:
    """Cut the connection."""
    exchange.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    exchange.connection.close()
    exchange.close_connection = True


def break_off(exchange: Exchange) -> None:
    """End in the middle of the answer that was announced."""
    body = json.dumps(exchange.right_answer()).encode()
    exchange.start({"Content-Length": str(len(body))})
    exchange.wfile.write(body[: len(body) // 2])
    exchange.close_connection = True


def status(code: int) -> Behaviour:
    """Answer with a status and a page for people."""

    def reply(exchange: Exchange) -> None:
        exchange.reply(b"<html>no</html>", status=code, media_type="text/html")

    return reply


def say(body: bytes, media_type: str = "application/json") -> Behaviour:
    """Answer with these bytes."""

    def reply(exchange: Exchange) -> None:
        exchange.reply(body, media_type=media_type)

    return reply


def altered(**changes: Any) -> Behaviour:
    """Answer rightly but for these members of the first understanding."""

    def reply(exchange: Exchange) -> None:
        said = exchange.right_answer()
        said["understandings"][0] |= changes
        exchange.reply(json.dumps(said).encode())

    return reply


def forgetful(exchange: Exchange) -> None:
    """Leave out the last thing that was said."""
    said = exchange.right_answer()
    del said["understandings"][-1]
    exchange.reply(json.dumps(said).encode())


def endless(exchange: Exchange) -> None:
    """Answer without end, as fast as it goes."""
    exchange.start({"Connection": "close"})
    exchange.close_connection = True
    exchange.wfile.write(b'{"schema": "astra.core/1", "understandings": [')
    while not exchange.wait(0):
        exchange.wfile.write(b" " * 65_536)


def packed(exchange: Exchange) -> None:
    """Answer with a little that unpacks to a lot."""
    exchange.reply(_BOMB, headers={"Content-Encoding": "gzip"})


def redirect(exchange: Exchange) -> None:
    """Send the caller elsewhere."""
    exchange.reply(b"", 302, headers={"Location": "/elsewhere"})


def drip_head(exchange: Exchange) -> None:
    """Send the head so slowly that it never ends."""
    exchange.drip(b"HTTP/1.1 200 OK\r\n" + b"X-Patience: " + b"a" * 500)


def drip_body(exchange: Exchange) -> None:
    """Send the right answer so slowly that it never ends."""
    body = json.dumps(exchange.right_answer()).encode()
    exchange.start({"Content-Length": str(len(body))})
    exchange.drip(body)
