"""A session's line to the product, as its client sees it, and the one over REST. `table` beside it has them all."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import grpc
import grpc.aio
import httpx

from demo.stack import Stack

BASE = "/v1/orchestrator"
PATIENCE_S = 12.0


@dataclass(frozen=True, slots=True)
class Given:
    """One input: text or audio under a number."""

    sequence_id: int
    text: str | None = None
    audio: bytes | None = None


class Unanswered(Exception):
    """Nobody knows whether the call arrived: it has to be made again. `why` is for the statistics."""

    def __init__(self, why: str, retry_after_s: float = 0.0) -> None:
        super().__init__(why)
        self.why = why
        self.retry_after_s = retry_after_s


class Refused(Exception):
    """The product said no, for good."""

    def __init__(self, status: int, code: str, detail: str) -> None:
        super().__init__(f"{status} {code}: {detail}")
        self.status = status
        self.code = code


class Line(Protocol):
    """The line of one session. Every method returns when the product has acknowledged, and may be called again."""

    async def say(self, given: Given, *, within_s: float = PATIENCE_S) -> bool:
        """Send an input; returns whether it had been accepted before. Raises `Unanswered` and `Refused`."""
        ...

    async def set_context(self, changes: Mapping[str, Any]) -> None:
        """Change speaker, topic, zone or restricted; None takes a value away. Raises `Unanswered` and `Refused`."""
        ...

    async def close(self) -> None:
        """Hang up."""
        ...


@dataclass(frozen=True, slots=True)
class Http:
    """The REST API, as any client would call it."""

    client: httpx.AsyncClient

    async def call(self, method: str, path: str, *, within_s: float = PATIENCE_S, **request: Any) -> Mapping[str, Any]:
        """Return the answer's JSON. Raises `Unanswered` for what is worth another try, `Refused` for the rest."""
        try:
            async with asyncio.timeout(within_s):
                response = await self.client.request(method, BASE + path, **request)
        except TimeoutError as error:
            raise Unanswered("timeout") from error
        except httpx.TransportError as error:
            raise Unanswered(type(error).__name__) from error
        if response.status_code < 400:
            answer: Mapping[str, Any] = response.json()
            return answer
        problem = _problem(response)
        if response.status_code == 429 or response.status_code >= 500:
            wait_s = float(response.headers.get("Retry-After", 0))
            raise Unanswered(f"{response.status_code} {problem['code']}", wait_s)
        raise Refused(response.status_code, problem["code"], problem["detail"])


def _problem(response: httpx.Response) -> Mapping[str, str]:
    if response.headers.get("Content-Type") != "application/problem+json":
        return {"code": "no_problem_json", "detail": response.text[:200]}
    found: Mapping[str, str] = response.json()
    return found


@dataclass(frozen=True, slots=True)
class RestLine:
    """Appends over REST: text as JSON, audio as a multipart file."""

    http: Http
    session_id: str

    async def say(self, given: Given, *, within_s: float = PATIENCE_S) -> bool:
        """See `Line.say`."""
        path = f"/session/{self.session_id}/append"
        if given.audio is None:
            body = {"sequence_id": given.sequence_id, "text": given.text}
            answer = await self.http.call("POST", path, json=body, within_s=within_s)
        else:
            files = {"audio": ("chunk.flac", given.audio, "audio/flac")}
            data = {"sequence_id": str(given.sequence_id)}
            answer = await self.http.call("POST", path, data=data, files=files, within_s=within_s)
        return bool(answer["repeated"])

    async def set_context(self, changes: Mapping[str, Any]) -> None:
        """See `Line.set_context`."""
        await self.http.call("PATCH", f"/session/{self.session_id}/current-context", json=dict(changes))

    async def close(self) -> None:
        """See `Line.close`: the connections belong to the pool."""


def grpc_target_of(stack: Stack) -> str:
    """Return the address of a stack's gRPC server."""
    return f"127.0.0.1:{stack.grpc_port}"


def await_grpc(target: str, within_s: float = 60.0) -> None:
    """Return once a gRPC server takes connections."""
    with grpc.insecure_channel(target) as channel:
        grpc.channel_ready_future(channel).result(timeout=within_s)


@dataclass(slots=True)
class Site:
    """Where the product is, and who calls. Used by one event loop."""

    url: str
    grpc_target: str
    token: str
    http: Http
    _channel: grpc.aio.Channel | None = None

    def grpc_channel(self) -> grpc.aio.Channel:
        """Return the channel of all clients, made when it is first used; it connects again by itself."""
        if self._channel is None:
            again = [("grpc.min_reconnect_backoff_ms", 100), ("grpc.max_reconnect_backoff_ms", 1_000)]
            self._channel = grpc.aio.insecure_channel(self.grpc_target, options=again)
        return self._channel

    async def close(self) -> None:
        """Close what was opened here."""
        if self._channel is not None:
            await self._channel.close()
