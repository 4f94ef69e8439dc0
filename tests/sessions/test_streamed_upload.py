"""A recording that arrives in pieces, its length never announced, as a client streams it to the ASGI server."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from asgiref.testing import ApplicationCommunicator

from astra_site.asgi import application
from tests.people import Person
from tests.sessions.minutes_client import Minutes
from tests.sessions.samples import WAV

pytestmark = pytest.mark.django_db(transaction=True)
DEADLINE_S = 20


async def stream(address: str, token: str, pieces: list[bytes]) -> tuple[int, dict[str, Any]]:
    scope = {
        "type": "http",
        "http_version": "1.1",
        "method": "POST",
        "path": address,
        "query_string": b"",
        "headers": [
            (b"host", b"localhost"),
            (b"authorization", f"Bearer {token}".encode()),
            (b"content-type", b"audio/wav"),
            (b"transfer-encoding", b"chunked"),
        ],
    }
    server: Any = ApplicationCommunicator(application, scope)  # type: ignore[no-untyped-call]  # asgiref: untyped
    for piece in pieces:
        await server.send_input({"type": "http.request", "body": piece, "more_body": True})
    await server.send_input({"type": "http.request", "body": b"", "more_body": False})
    start = await server.receive_output(DEADLINE_S)
    body = await server.receive_output(DEADLINE_S)
    await server.wait(DEADLINE_S)
    return start["status"], json.loads(body["body"])


def test_a_streamed_recording_is_the_same_as_a_sent_one(alice: Person) -> None:
    minutes = Minutes.start(alice)
    pieces = [WAV[start : start + 5000] for start in range(0, len(WAV), 5000)]
    status, answer = asyncio.run(stream(minutes.url("recording"), alice.token(), pieces))
    assert (status, answer) == (201, minutes.upload_recording(WAV).json())


def test_a_stream_of_nothing_is_refused(alice: Person) -> None:
    minutes = Minutes.start(alice)
    status, answer = asyncio.run(stream(minutes.url("recording"), alice.token(), []))
    assert (status, answer["code"]) == (400, "audio_empty")
