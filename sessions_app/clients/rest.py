"""The reference client over HTTP: one request per chunk."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

import httpx

from astra_site.lib.clock import iso_utc
from sessions_app.clients.transport import (
    ANSWER_WITHIN_S,
    Acknowledged,
    Chunk,
    ComeBackLater,
    ServerRefused,
    Token,
    patience,
)

_BASE: Final = "/v1/orchestrator"
_TRANSIENT: Final = frozenset({429, 500, 502, 503, 504})


class RestClient:
    """`sessions_app.clients.transport.SessionClient` over HTTP."""

    def __init__(self, url: str, token: Token) -> None:
        """Open a pool of connections to `http(s)://host:port`."""
        self._http = httpx.Client(base_url=url.rstrip("/") + _BASE, timeout=ANSWER_WITHIN_S)
        self._token = token

    def start(self, client_timezone: str, metadata: Mapping[str, Any]) -> str:
        """Start a live session and return its id."""
        body = {"client_timezone": client_timezone, "mode": "realtime", "metadata": dict(metadata)}
        return str(self._patiently("POST", "/session/start", json=body)["session_id"])

    def highest_sequence_id(self, session_id: str) -> int:
        """Return the highest number that the session has accepted."""
        return int(self._patiently("GET", f"/session/{session_id}")["highest_sequence_id"])

    def stream_chunks(self, session_id: str, chunks: Iterable[Chunk]) -> Iterator[Acknowledged]:
        """Send chunk after chunk and yield their acknowledgements."""
        for chunk in chunks:
            answer = self._patiently(
                "POST",
                f"/session/{session_id}/append",
                data={name: str(value) for name, value in _fields(chunk).items() if value is not None},
                files={"audio": (str(chunk.sequence_id), chunk.audio, "application/octet-stream")},
            )
            yield Acknowledged(int(answer["sequence_id"]), bool(answer["repeated"]))

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def _patiently(self, method: str, path: str, **request: Any) -> dict[str, Any]:
        """Call until it is answered; repeats are harmless, because a number is accepted once."""
        for attempt in patience():
            with attempt:
                return self._call(method, path, **request)
        raise AssertionError("patience() raises the last error")

    def _call(self, method: str, path: str, **request: Any) -> dict[str, Any]:
        token = self._token()
        try:
            response = self._http.request(method, path, headers={"Authorization": f"Bearer {token}"}, **request)
        except httpx.TransportError as error:
            raise ComeBackLater("server_unreachable", f"The server does not answer: {error}") from error
        if response.is_success:
            found: dict[str, Any] = response.json()
            return found
        code, message = _problem_of(response)
        if response.status_code in _TRANSIENT:
            raise ComeBackLater(code, message, _retry_after_s(response))
        if code == "token_expired" and self._token() != token:
            raise ComeBackLater(code, message, 0.0)
        raise ServerRefused(code, message, details={"status": response.status_code})


def _fields(chunk: Chunk) -> dict[str, Any]:
    captured_at = iso_utc(chunk.captured_at) if chunk.captured_at else None
    return {"sequence_id": chunk.sequence_id, "captured_at": captured_at, "duration_ms": chunk.duration_ms}


def _problem_of(response: httpx.Response) -> tuple[str, str]:
    """Return code and message of a problem (RFC 9457); of anything else, what there is."""
    try:
        problem = response.json()
        return str(problem["code"]), str(problem["detail"])
    except (json.JSONDecodeError, UnicodeDecodeError, KeyError, TypeError):
        return f"http_{response.status_code}", f"The server answered {response.status_code} {response.reason_phrase}."


def _retry_after_s(response: httpx.Response) -> float | None:
    given = response.headers.get("Retry-After", "")
    return float(given) if given.replace(".", "", 1).isdecimal() else None
