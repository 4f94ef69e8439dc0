"""The same session over REST, WebSocket and gRPC: same answers, same blocks, same document."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import grpc
import pytest

from astra_site.embedded import EmbeddedServices
from sessions_app.clients.table import TRANSPORTS
from tests.flows.voices import VOICES, Voice
from tests.people import Person
from tests.realtime.live_server import LiveServer
from tests.realtime.live_server import serving as serving_web
from tests.rpc.serving import Rpc
from tests.rpc.serving import serving as serving_grpc
from tests.sessions.minutes_client import CLOSING, DEBATE, OPENING, VOTE, Minutes, finish_jobs
from tests.sessions.samples import FLAC, OTHER_WAV, WAV
from tests.sessions.test_properties import document_of

pytestmark = pytest.mark.django_db(transaction=True)
SECRET = "Se discute en reserva la contratación del asesor jurídico."


@pytest.fixture(scope="module")
def web(services: EmbeddedServices, django_db_setup: None) -> Iterator[LiveServer]:
    """The web server; like that of the other tests of sockets it outlives a test."""
    with serving_web() as running:
        yield running


@pytest.fixture
def rpc(alice: Person, transactional_db: None) -> Iterator[Rpc]:
    """Alice's client of the gRPC server."""
    with serving_grpc() as running, grpc.insecure_channel(f"127.0.0.1:{running.server.ports[0]}") as channel:
        yield Rpc(channel, alice.token())


def speak(voice: Voice) -> list[str]:
    """A session with everything in it: out of order, twice, refused, with speakers, in private, with a gap filled late.

    Returns how each was answered.
    """
    return [
        voice.say(1, OPENING),
        voice.set_context(speaker="Concejala María Ospina", topic="Acueducto"),
        voice.say(3, VOTE),
        voice.say(2, DEBATE),
        voice.say(3, VOTE),
        voice.say(3, CLOSING),
        voice.send_audio(5, WAV),
        voice.send_audio(5, WAV),
        voice.send_audio(5, OTHER_WAV),
        voice.send_audio(4, b"nonsense" * 20),
        voice.send_audio(4, FLAC[:-1000]),
        voice.send_audio(4, b""),
        voice.say(0, DEBATE),
        voice.say(-1, DEBATE),
        voice.say(900_000, DEBATE),
        voice.say(4, "  "),
        voice.set_context(zone="{{ZONA}}"),
        voice.set_context(),
        voice.set_context(restricted=True, speaker=None),
        voice.say(6, SECRET),
        voice.set_context(restricted=False),
        voice.say(7, CLOSING),
        voice.send_audio(4, FLAC),
    ]


ANSWERED = [
    *("new", "new", "new", "new", "repeat", "sequence_conflict"),
    *("new", "repeat", "sequence_conflict", "audio_unreadable", "audio_truncated", "audio_empty"),
    *("input_invalid", "input_invalid", "sequence_id_too_far", "text_invalid", "input_invalid", "context_empty"),
    *("new", "new", "new", "new", "new"),
]


def told(minutes: Minutes) -> list[tuple[str, Any, str | None, Any]]:
    """The inputs of the journal as they are sealed, without times."""
    return [
        (row.kind, row.sequence_id, row.actor, {k: v for k, v in row.payload.items() if not k.startswith("captured")})
        for row in minutes.journal()
        if row.kind in ("text", "audio", "context")
    ]


def test_the_same_session_over_every_transport(
    web: LiveServer, rpc: Rpc, alice: Person, subtests: pytest.Subtests
) -> None:
    assert set(VOICES) >= set(TRANSPORTS)
    made: dict[str, dict[str, Any]] = {}
    first: Minutes | None = None
    for name, over in VOICES.items():
        minutes = Minutes.start(alice, mode="realtime")
        with subtests.test(name), over(web, rpc, alice, minutes.session_id) as voice:
            assert speak(voice) == ANSWERED
        finish_jobs()
        shown = minutes.blocks()
        minutes.close()
        first = first or minutes
        made[name] = {
            "journal": told(minutes),
            "blocks": [{key: block[key] for key in block if key != "revision"} for block in shown],
            "dumped": minutes.dumped_blocks(),
            "words": minutes.document_text(),
            "document": document_of(minutes, first),
        }
    reference = made["rest"]
    assert SECRET in str(reference["blocks"])
    for name, result in made.items():
        for what, value in reference.items():
            with subtests.test(name, what=what):
                assert result[what] == value
