"""Bodies are limited, and for the API tied to a token, before a byte of them is read."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
from pytest_django import Settings

from astra_site.request_bodies import ADMIN_FORM_BYTES, SMALL_BODY_BYTES, BodyGate
from tenants.dev_tokens import issue_dev_token

ROOT = Path(__file__).parents[2]
SESSION = "/v1/orchestrator/session/0193a000-0000-7000-8000-000000000002"
MIB = 1024**2
DEADLINE_S = 60.0


@dataclass
class Visit:
    """One request by raw ASGI messages: how much of its body was taken, and what was answered."""

    path: str
    headers: dict[str, str] = field(default_factory=dict)
    pieces: int = 0
    piece: bytes = b"x" * MIB
    method: str = "POST"
    taken: int = 0
    reached: bool = False
    reached_bytes: int = 0
    sent: list[Mapping[str, Any]] = field(default_factory=list)

    async def receive(self) -> Mapping[str, Any]:
        if self.taken >= self.pieces:
            return {"type": "http.disconnect"}
        self.taken += 1
        return {"type": "http.request", "body": self.piece, "more_body": self.taken < self.pieces}

    async def send(self, message: Mapping[str, Any]) -> None:
        self.sent.append(message)

    async def application(self, scope: Any, receive: Any, send: Any) -> None:
        """Read the body as Django does: to its end, or until the client seems to be gone."""
        self.reached = True
        while True:
            message = await receive()
            self.reached_bytes += len(message.get("body", b""))
            if message["type"] == "http.disconnect":
                return
            if not message["more_body"]:
                break
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"{}"})

    def run(self) -> Visit:
        raw_headers = [(name.encode(), value.encode()) for name, value in self.headers.items()]
        scope = {"type": "http", "method": self.method, "path": self.path, "headers": raw_headers}
        asyncio.run(BodyGate(self.application)(scope, self.receive, self.send))
        return self

    @property
    def status(self) -> int:
        starts = [message for message in self.sent if message["type"] == "http.response.start"]
        assert len(starts) == 1
        return int(starts[0]["status"])

    @property
    def code(self) -> str:
        return str(json.loads(b"".join(message.get("body", b"") for message in self.sent))["code"])


@pytest.fixture
def bearer() -> dict[str, str]:
    return {"authorization": f"Bearer {issue_dev_token(UUID(int=7), subject='app')}"}


@pytest.mark.parametrize("verb", ["append", "chunk", "recording", "upload-asset", "start"])
@pytest.mark.parametrize("length", [{"content-length": "1000"}, {"transfer-encoding": "chunked"}, {}])
@pytest.mark.parametrize(
    ("authorization", "code"),
    [({}, "token_missing"), ({"authorization": "Basic eA=="}, "token_invalid"),
     ({"authorization": "Bearer x"}, "token_invalid")],
)  # fmt: skip
def test_no_body_for_the_api_is_kept_without_a_valid_token(
    verb: str, length: dict[str, str], authorization: dict[str, str], code: str
) -> None:
    visit = Visit(f"{SESSION}/{verb}", {**length, **authorization}, pieces=500).run()
    assert (visit.status, visit.code, visit.reached) == (401, code, False)
    assert visit.taken <= 20


@pytest.mark.parametrize(
    ("path", "over_bytes"),
    [
        (f"{SESSION}/append", 12 * MIB),
        (f"{SESSION}/chunk", 12 * MIB),
        (f"{SESSION}/upload-asset", 21 * MIB),
        (f"{SESSION}/recording", 5 * 1024 * MIB),
        (f"{SESSION}/finalize", 3 * MIB),
        ("/v1/orchestrator/session/start", 3 * MIB),
        ("/admin/login/", 3 * MIB),
        ("/health/live", 3 * MIB),
    ],
)
def test_a_body_announced_over_the_limit_is_refused_unread(path: str, over_bytes: int, bearer: dict[str, str]) -> None:
    visit = Visit(path, {**bearer, "content-length": str(over_bytes)}, pieces=2).run()
    assert (visit.status, visit.code, visit.reached) == (413, "body_too_large", False)


@pytest.mark.parametrize("method", ["POST", "GET"])
def test_a_body_of_unknown_length_is_cut_at_the_limit(bearer: dict[str, str], method: str) -> None:
    chunked = {**bearer, "transfer-encoding": "chunked"}
    visit = Visit("/v1/orchestrator/session/start", chunked, pieces=400, method=method).run()
    assert (visit.status, visit.code, visit.reached) == (413, "body_too_large", True)
    assert visit.reached_bytes <= SMALL_BODY_BYTES
    assert visit.taken <= 25


def test_a_recording_is_cut_at_its_own_limit(bearer: dict[str, str], settings: Settings) -> None:
    settings.MAX_RECORDING_BYTES = 5 * MIB
    assert Visit(f"{SESSION}/recording", bearer, pieces=5).run().status == 200
    assert Visit(f"{SESSION}/recording", bearer, pieces=6).run().status == 413


def test_what_is_within_the_limits_passes(bearer: dict[str, str]) -> None:
    for verb, pieces in (("append", 10), ("upload-asset", 20), ("recording", 40), ("finalize", 1), ("start", 2)):
        visit = Visit(f"{SESSION}/{verb}", {**bearer, "content-length": str(pieces * MIB)}, pieces=pieces).run()
        assert (visit.status, visit.reached_bytes) == (200, pieces * MIB)
    assert Visit(SESSION, method="GET", pieces=1, piece=b"").run().status == 200
    assert Visit(f"{SESSION}/finalize", {"content-length": "0"}, pieces=1, piece=b"").run().status == 200


def test_forms_with_files_need_a_session_cookie() -> None:
    form = {"content-length": str(ADMIN_FORM_BYTES)}
    assert Visit("/admin/tenants/skeleton/add/", form, pieces=2).run().status == 413
    assert Visit("/admin/tenants/skeleton/add/", {**form, "cookie": "sessionid=a"}, pieces=2).run().status == 200


def test_other_protocols_pass_untouched() -> None:
    seen = []

    async def application(scope: Any, receive: Any, send: Any) -> None:
        seen.append(scope["type"])

    asyncio.run(BodyGate(application)({"type": "websocket"}, None, None))  # type: ignore[arg-type]  # never called
    assert seen == ["websocket"]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    """The real web process, without database or Redis: what is refused here never gets that far."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    program = (
        *(sys.executable, "-m", "uvicorn", "astra_site.asgi:application", "--host", "127.0.0.1", "--port", str(port)),
        *("--lifespan", "off", "--log-level", "warning"),
    )
    process = subprocess.Popen(program, cwd=ROOT)
    try:
        url, deadline_s = f"http://127.0.0.1:{port}", time.monotonic() + DEADLINE_S
        while True:
            with contextlib.suppress(httpx.TransportError):
                if httpx.get(f"{url}/health/live").status_code == 200:
                    break
            assert process.poll() is None
            assert time.monotonic() < deadline_s
            threading.Event().wait(0.1)
        yield url
    finally:
        process.terminate()
        process.wait(DEADLINE_S)


def test_over_a_real_connection(server: str, bearer: dict[str, str]) -> None:
    def endless() -> Iterator[bytes]:
        while True:
            yield b"x" * MIB

    def refused(path: str, headers: dict[str, str], content: Any) -> tuple[int, str, str]:
        with httpx.Client(base_url=server, timeout=30) as client:
            answer = client.post(path, headers=headers, content=content)
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["trace_id"] == answer.headers["x-trace-id"]
        return answer.status_code, answer.json()["code"], answer.headers["connection"]

    assert refused(f"{SESSION}/append", {}, endless()) == (401, "token_missing", "close")
    assert refused(f"{SESSION}/append", {}, b"{}") == (401, "token_missing", "close")
    assert refused(f"{SESSION}/append", bearer, endless()) == (413, "body_too_large", "close")
    assert refused(f"{SESSION}/append", bearer, b"x" * 12 * MIB) == (413, "body_too_large", "close")
    assert refused("/admin/login/", {}, endless()) == (413, "body_too_large", "close")
    assert httpx.get(f"{server}/health/live").status_code == 200


def test_a_body_that_stops_in_the_middle_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("astra_site.request_bodies.STALLED_AFTER_S", 0.1)
    came = [{"type": "http.request", "body": b"half", "more_body": True}]
    sent: list[Mapping[str, Any]] = []
    ended: list[str] = []

    async def receive() -> Mapping[str, Any]:
        return came.pop() if came else await asyncio.get_running_loop().create_future()

    async def send(message: Mapping[str, Any]) -> None:
        sent.append(message)

    async def reader(scope: dict[str, Any], receive: Any, send: Any) -> None:
        while (message := await receive())["type"] != "http.disconnect":
            assert message["more_body"]
        ended.append("gone")

    scope = {"type": "http", "method": "POST", "path": "/i18n/setlang/", "headers": [(b"content-length", b"100")]}
    asyncio.run(asyncio.wait_for(BodyGate(reader)(scope, receive, send), DEADLINE_S))
    assert ended == ["gone"]
    assert (sent[0]["status"], json.loads(sent[1]["body"])["code"]) == (400, "body_stalled")


def test_who_waits_for_an_answer_is_not_taken_for_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("astra_site.request_bodies.STALLED_AFTER_S", 0.01)
    came = [{"type": "http.request", "body": b"whole", "more_body": False}]
    waited: list[bool] = []

    async def receive() -> Mapping[str, Any]:
        return came.pop() if came else await asyncio.get_running_loop().create_future()

    async def send(message: Mapping[str, Any]) -> None:
        raise AssertionError(message)

    async def reader(scope: dict[str, Any], receive: Any, send: Any) -> None:
        await receive()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(receive(), 0.2)
            return
        waited.append(True)

    scope = {"type": "http", "method": "POST", "path": "/i18n/setlang/", "headers": [(b"content-length", b"5")]}
    asyncio.run(asyncio.wait_for(BodyGate(reader)(scope, receive, send), DEADLINE_S))
    assert waited == [True]
