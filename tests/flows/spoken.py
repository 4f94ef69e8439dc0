"""One session, said in the same way on every transport: out of order, twice, with refusals and changes of context."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import httpx

from demo.client import Client
from demo.recorded_session import Chunk, RecordedSession
from demo.stack import ROOT, Stack
from tests.transports.line import Given, Http, Line, Refused, Site, grpc_target_of
from tests.transports.table import LINES

CHUNKS = 4
_TEXT = "El alumbrado de la vereda está en mal estado."
_OTHER = "La vía a la vereda está cerrada."
_CLOSING = "Siendo las once de la mañana se levanta la sesión."
METADATA = {"number": "021", "city": "Quibdó", "kind": "Ordinaria"}
WITHIN_S = 120.0


@dataclass(frozen=True, slots=True)
class Ended:
    """What became of a session: what the line answered, the closed session, and its downloaded evidence."""

    answers: Sequence[object]
    session: Mapping[str, Any]
    evidence: bytes


def spoken_over(transport: str, stack: Stack, client: Client) -> Ended:
    """Say everything over one transport, close the session, and download what was sealed."""
    session_id = client.start("realtime", METADATA)
    answers = asyncio.run(_speak(transport, stack, client, session_id))
    return _closed(client, session_id, answers)


def chunks_over(transport: str, stack: Stack, client: Client, chunks: Sequence[Chunk]) -> Ended:
    """Send nothing but audio over one transport."""
    session_id = client.start("realtime", METADATA)

    async def send(line: Line) -> list[object]:
        return [await line.say(Given(chunk.sequence_id, audio=chunk.wav)) for chunk in chunks]

    return _closed(client, session_id, asyncio.run(_on_line(transport, stack, client, session_id, send)))


def as_one_recording(client: Client, recording: bytes) -> Ended:
    """Upload one recording and have it transcribed."""
    session_id = client.start("batch", METADATA)
    job_id = client.transcribe(session_id, client.upload_recording(session_id, recording)["audio_url"])
    client.wait(lambda: client.job(job_id), lambda job: job["status"] == "COMPLETED", WITHIN_S)
    return _closed(client, session_id, [])


async def _on_line(transport: str, stack: Stack, client: Client, session_id: str, talk: Any) -> list[object]:
    headers = {"Authorization": f"Bearer {client.token}"}
    async with httpx.AsyncClient(base_url=stack.url, headers=headers, timeout=30, trust_env=False) as http:
        site = Site(stack.url, grpc_target_of(stack), client.token, Http(http))
        line = LINES[transport](site, session_id)
        try:
            answers: list[object] = await talk(line)
            return answers
        finally:
            await line.close()
            await site.close()


async def _speak(transport: str, stack: Stack, client: Client, session_id: str) -> list[object]:
    chunks = RecordedSession().chunks()[:CHUNKS]
    image = (ROOT / "demo/image.png").read_bytes()

    def audio(number: int) -> Given:
        return Given(number, audio=chunks[number - 1].wav)

    async def talk(line: Line) -> list[object]:
        answers: list[object] = []

        async def say(given: Given) -> None:
            answers.append(await _answer(line, given))

        await line.set_context({"speaker": "María Ospina", "topic": "Instalación"})
        for number in (2, 1, 2, 4, 3):
            await say(audio(number))
        await line.set_context({"speaker": "Gloria Murillo", "topic": "Alumbrado público", "zone": "ZONA_VARIOS"})
        await say(Given(6, text=_OTHER))
        await say(Given(5, text=_TEXT))
        await line.set_context({"zone": None, "restricted": True})
        await say(Given(7, text=_TEXT))
        await say(Given(7, text=_OTHER))
        await say(Given(0, text=_OTHER))
        await say(Given(1_000_001, text=_OTHER))
        await asyncio.to_thread(client.upload_image, session_id, image, "Luminarias")
        await line.set_context({"restricted": False, "speaker": None})
        await say(Given(8, text=_CLOSING))
        await say(audio(4))
        return answers

    return await _on_line(transport, stack, client, session_id, talk)


async def _answer(line: Line, given: Given) -> object:
    """Return number and whether it was known, or the code of the refusal."""
    try:
        return given.sequence_id, await line.say(given)
    except Refused as refusal:
        return refusal.code


def _closed(client: Client, session_id: str, answers: Sequence[object]) -> Ended:
    closed = client.wait(lambda: client.finalize(session_id), lambda session: session["state"] == "CLOSED", WITHIN_S)
    return Ended(answers, closed, client.download(closed["delivery"]["evidence_url"]))
