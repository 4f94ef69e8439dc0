"""An OpenID provider on loopback that answers rightly unless told to lie: about itself, its tokens, its people."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

import jwt
from cryptography.hazmat.primitives.asymmetric import ec

from astra_site.lib.clock import utc_now
from tests.doubles.jwks_server import public


class Exchange(BaseHTTPRequestHandler):
    """One request."""

    server: Listener

    def do_GET(self) -> None:
        self._answer({})

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self._answer({name: values[0] for name, values in parse_qs(body).items()})

    def _answer(self, form: dict[str, str]) -> None:
        provider = self.server.provider
        provider.asked.append((self.path, form))
        status, answer = provider.answers[self.path](form)
        body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


class Listener(ThreadingHTTPServer):
    """The socket."""

    daemon_threads = True
    provider: LyingProvider

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing."""


Answer = Callable[[dict[str, str]], tuple[int, Any]]


class LyingProvider:
    """The server. `claims` go into the next ID token over what is right; `answers` may be replaced path by path."""

    def __init__(self) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self._listener = Listener(("127.0.0.1", 0), Exchange)
        self._listener.provider = self
        self.issuer = f"http://127.0.0.1:{self._listener.server_address[1]}"
        self.nonce = ""
        self.claims: dict[str, Any] = {}
        self.person: dict[str, Any] = {"sub": "luz", "tenant_id": "quibdo", "groups": ["clerk"], "email": "luz@x.co"}
        self.sign: Callable[[dict[str, Any]], str] = self.signed
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.metadata = {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "userinfo_endpoint": f"{self.issuer}/me",
            "jwks_uri": f"{self.issuer}/jwks",
        }
        self.answers: dict[str, Answer] = {
            "/.well-known/openid-configuration": lambda form: (200, self.metadata),
            "/jwks": lambda form: (200, {"keys": [{**public(self.key), "kid": "k1"}]}),
            "/token": lambda form: (200, {"access_token": "a", "token_type": "Bearer", "id_token": self.id_token()}),
            "/me": lambda form: (200, self.person),
        }

    def id_token(self) -> str:
        """The next ID token, with what it is told to say."""
        now = utc_now()
        right = {"iss": self.issuer, "aud": "astra", "sub": "luz", "nonce": self.nonce}
        claims = {**right, "iat": now, "exp": now + timedelta(minutes=5), **self.claims}
        return self.sign({name: value for name, value in claims.items() if value is not None})

    def signed(self, claims: dict[str, Any]) -> str:
        """Sign as a provider should."""
        return jwt.encode(claims, self.key, algorithm="ES256", headers={"kid": "k1"})

    @contextmanager
    def running(self) -> Iterator[LyingProvider]:
        """Serve until the block ends."""
        thread = threading.Thread(target=self._listener.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._listener.shutdown()
            self._listener.server_close()
            thread.join(5)
