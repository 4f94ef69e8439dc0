"""An identity provider's key address on loopback: a real HTTP server that publishes keys, or misbehaves."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from uuid import UUID

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from astra_site.lib.clock import utc_now

ISSUER, AUDIENCE = "https://id.example.org", "api"
Headers = Mapping[str, str]
_NONE: Headers = {}
PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


def claims_of(**changes: Any) -> dict[str, Any]:
    """The claims of a good token with changes."""
    good = {"iss": ISSUER, "aud": AUDIENCE, "sub": "alice", "tenant_id": str(UUID(int=7)), "scope": "a b"}
    return {**good, "exp": utc_now() + timedelta(hours=1), **changes}


class Exchange(BaseHTTPRequestHandler):
    """One request; the server's behaviour answers it."""

    protocol_version = "HTTP/1.1"
    server: Listener

    def do_GET(self) -> None:
        self.server.provider.asked += 1
        self.server.provider.behaviour(self)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""

    def reply(self, body: bytes, status: int = 200, headers: Headers = _NONE) -> None:
        """Send a whole answer."""
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", "Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


class Listener(ThreadingHTTPServer):
    """The socket; a client that gives up is no error here."""

    daemon_threads = True
    provider: KeyProvider

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing."""


Behaviour = Callable[[Exchange], None]


class KeyProvider:
    """The server and its private keys. `asked` counts the requests."""

    def __init__(self) -> None:
        self.keys: dict[str, PrivateKey] = {}
        self.behaviour: Behaviour = publish
        self.asked = 0
        self.closing = threading.Event()
        self._listener = Listener(("127.0.0.1", 0), Exchange)
        self._listener.provider = self
        self.url = f"http://127.0.0.1:{self._listener.server_address[1]}/jwks"

    def rotate(self, kid: str, *, keep: bool = False) -> None:
        """Go on with a new key under this id; the ones before are published no more unless kept."""
        self.keys = {**(self.keys if keep else {}), kid: ec.generate_private_key(ec.SECP256R1())}

    def token(self, kid: str, **claims: Any) -> str:
        """A token signed with the key of this id, published or not."""
        return jwt.encode(claims_of(**claims), self.keys[kid], algorithm="ES256", headers={"kid": kid})

    def jwks(self) -> dict[str, Any]:
        """What is published."""
        return {"keys": [{**public(key), "kid": kid, "use": "sig"} for kid, key in self.keys.items()]}

    @contextmanager
    def running(self) -> Iterator[KeyProvider]:
        """Serve until the block ends."""
        thread = threading.Thread(target=self._listener.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self.stop()
            thread.join(5)

    def stop(self) -> None:
        """Answer nobody any more."""
        self.closing.set()
        self._listener.shutdown()
        self._listener.server_close()


def public(key: PrivateKey) -> dict[str, Any]:
    """The public half as a JWK."""
    if isinstance(key, rsa.RSAPrivateKey):
        return dict(RSAAlgorithm.to_jwk(key.public_key(), as_dict=True))
    return dict(ECAlgorithm.to_jwk(key.public_key(), as_dict=True))


def publish(exchange: Exchange) -> None:
    """Answer as a provider should."""
    exchange.reply(json.dumps(exchange.server.provider.jwks()).encode())


def hang(exchange: Exchange) -> None:
    """Take the question and never answer."""
    exchange.server.provider.closing.wait()


def drip(exchange: Exchange) -> None:
    """Answer byte by byte, each soon enough for a timeout that starts anew with every byte."""
    exchange.send_response(200)
    exchange.send_header("Content-Length", "100000")
    exchange.end_headers()
    while not exchange.server.provider.closing.wait(0.05):
        exchange.wfile.write(b" ")
        exchange.wfile.flush()


def huge(exchange: Exchange) -> None:
    """Answer without end, as fast as it goes."""
    exchange.send_response(200)
    exchange.send_header("Connection", "close")
    exchange.end_headers()
    exchange.close_connection = True
    exchange.wfile.write(b'{"keys": [')
    while not exchange.server.provider.closing.is_set():
        exchange.wfile.write(b" " * 65_536)


def say(body: bytes, status: int = 200, headers: Headers = _NONE) -> Behaviour:
    """Answer with these bytes."""

    def reply(exchange: Exchange) -> None:
        exchange.reply(body, status, headers)

    return reply
