"""`manage.py stream_file`: a recording becomes a live session, the same one over every transport."""

from __future__ import annotations

import io
import time
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from sessions_app.clients import transport
from sessions_app.clients.table import TRANSPORTS
from tests.people import Person, client_for
from tests.realtime.live_server import LiveServer
from tests.rpc.serving import Serving
from tests.sessions.minutes_client import Minutes
from tests.sessions.samples import png
from tests.transcription.encodings import WHOLE, encode

pytestmark = pytest.mark.django_db(transaction=True)
SPEECH = Path(__file__).parents[1] / "data" / "speech" / "contract"


@pytest.fixture
def urls(server: Serving, web: LiveServer) -> dict[str, str]:
    """The address of each transport's server."""
    grpc = f"grpc://127.0.0.1:{server.server.ports[0]}"
    return {"rest": f"http://127.0.0.1:{web.port}", "websocket": web.url, "grpc": grpc}


def stream(person: Person, path: Path, url: str, *arguments: str) -> str:
    out = io.StringIO()
    call_command("stream_file", str(path), "--url", url, "--token", person.token(), *arguments, stdout=out)
    return out.getvalue()


def test_every_transport_makes_the_same_session(urls: dict[str, str], alice: Person) -> None:
    assert set(urls) == set(TRANSPORTS), "Say here where the new transport's server is."
    heard = {}
    for name, url in urls.items():
        said = stream(alice, SPEECH / "session.flac", url, "--start", "--transport", name, "--chunk-s", "7.5")
        minutes = Minutes(client_for(alice), said.split()[1])
        rows = minutes.journal()
        assert [row.sequence_id for row in rows] == list(range(1, len(rows) + 1))
        assert f"{len(rows)} chunks" in said
        heard[name] = [(row.audio_sha256, row.audio_duration_ms, row.payload["captured_duration_ms"]) for row in rows]
        assert len(rows) > 3
        assert {duration_ms for _, duration_ms, _ in heard[name][:-1]} == {7_500}
    assert len({str(rows) for rows in heard.values()}) == 1


def test_a_second_run_goes_on_after_the_first_or_repeats_it(urls: dict[str, str], alice: Person) -> None:
    minutes = Minutes.start(alice, mode="realtime")
    path = SPEECH / "vote.flac"
    where = ("--session", minutes.session_id, "--chunk-s", "2")
    first = stream(alice, path, urls["grpc"], *where, "--encoding", "flac")
    count = len(minutes.journal())
    again = stream(alice, path, urls["rest"], *where, "--encoding", "flac", "--transport", "rest", "--first", "1")
    assert (first.count("0 had been sent before"), again.count(f"{count} had been sent before")) == (1, 1)
    assert len(minutes.journal()) == count
    stream(alice, path, urls["grpc"], *where)
    assert [row.sequence_id for row in minutes.journal()] == list(range(1, 2 * count + 1))
    assert {row.audio_media_type for row in minutes.journal()} == {"audio/flac", "audio/wav"}


@pytest.mark.parametrize("encoding", ["mp3", "ogg-opus", "webm", "m4a", "wav-24-bit"])
def test_any_accepted_file_is_sent_on(urls: dict[str, str], alice: Person, tmp_path: Path, encoding: str) -> None:
    assert encoding in WHOLE
    path = tmp_path / "recording"
    path.write_bytes(encode(encoding, 2_500))
    minutes = Minutes.start(alice, mode="realtime")
    stream(alice, path, urls["grpc"], "--session", minutes.session_id, "--chunk-s", "1")
    assert 2_400 <= sum(row.audio_duration_ms or 0 for row in minutes.journal()) <= 2_700


def test_in_real_time_a_chunk_is_sent_when_it_would_be_there(
    urls: dict[str, str], alice: Person, tmp_path: Path
) -> None:
    path = tmp_path / "recording.wav"
    path.write_bytes(encode("wav", 600))
    minutes = Minutes.start(alice, mode="realtime")
    began = time.monotonic()
    stream(alice, path, urls["grpc"], "--session", minutes.session_id, "--chunk-s", "0.2", "--realtime")
    assert time.monotonic() - began > 0.6
    for row in minutes.journal():
        assert row.payload["captured_at"] < row.recorded_at.isoformat()


def test_what_goes_wrong_is_said_and_has_an_exit_code(
    urls: dict[str, str], alice: Person, charlie: Person, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transport, "GIVE_UP_AFTER_S", 0.2)
    minutes = Minutes.start(alice, mode="realtime")
    picture = tmp_path / "picture.wav"
    picture.write_bytes(png())
    vote = SPEECH / "vote.flac"
    session = ("--session", minutes.session_id)
    cases = [
        (alice, picture, urls["grpc"], session, 1, "audio_unreadable"),
        (alice, tmp_path / "nowhere.wav", urls["grpc"], session, 1, "can't be read"),
        (charlie, vote, urls["grpc"], session, 1, "session_of_another_tenant"),
        (charlie, vote, urls["rest"], (*session, "--transport", "rest"), 1, "session_of_another_tenant"),
        (charlie, vote, urls["websocket"], (*session, "--transport", "websocket"), 1, "session_of_another_tenant"),
        (alice, vote, "grpc://127.0.0.1:1", session, 3, "grpc_unavailable"),
        (alice, vote, "http://127.0.0.1:1", (*session, "--transport", "rest"), 3, "server_unreachable"),
        (alice, vote, "ws://127.0.0.1:1", (*session, "--transport", "websocket"), 3, "server_unreachable"),
    ]
    for person, path, url, arguments, code, said in cases:
        with pytest.raises(CommandError, match=said) as raised:
            stream(person, path, url, *arguments)
        assert raised.value.returncode == code
    assert minutes.kinds() == []
