"""The append in front of Django answers as the view behind it: the same status, the same bytes, the same headers."""

from __future__ import annotations

import asyncio
import base64
import json
import logging
from dataclasses import dataclass, replace
from typing import Any, ClassVar
from uuid import uuid4

import pytest
from django.db import connection
from pytest_django import Settings

from astra_site.lib.asgi_edge import site_headers
from astra_site.lib.logs import current_context
from sessions_app.api import append_front
from sessions_app.services import inputs
from tests.people import Person, client_for
from tests.sessions.asgi_client import Site
from tests.sessions.minutes_client import OPENING, Minutes, finish_jobs
from tests.sessions.samples import OTHER_WAV, WAV
from tests.transcription.recorders import chromes_webm

pytestmark = pytest.mark.django_db(transaction=True)
HEADERS = (
    *("content-type", "allow", "www-authenticate", "retry-after"),
    *("x-content-type-options", "referrer-policy", "cross-origin-opener-policy", "x-frame-options"),
)


@dataclass(frozen=True)
class Sent:
    """One append, as it goes over the wire."""

    content: bytes
    media_type: str = "application/json"
    query: str = ""
    verb: str = "append"
    method: str = "POST"


def said(**fields: Any) -> Sent:
    return Sent(json.dumps(fields).encode())


def form(**fields: Any) -> Sent:
    parts = [
        f'--b\r\nContent-Disposition: form-data; name="{name}"'.encode()
        + (b'; filename="x.bin"\r\n\r\n' + value if isinstance(value, bytes) else f"\r\n\r\n{value}".encode())
        + b"\r\n"
        for name, value in fields.items()
    ]
    return Sent(b"".join(parts) + b"--b--\r\n", "multipart/form-data; boundary=b")


def bare(content: bytes, query: str, media_type: str = "audio/wav") -> Sent:
    return Sent(content, media_type, query)


BASE64 = base64.b64encode(WAV).decode()
PLAIN: dict[str, Sent] = {
    "text": said(sequence_id=1, text=OPENING),
    "text again": said(sequence_id=1, text=OPENING),
    "number as a word": said(sequence_id="2", text=OPENING, captured_at="2026-11-25T09:00:00-05:00", duration_ms=5),
    "base64": said(sequence_id=3, audio_chunk=BASE64),
    "base64 again as a form": form(sequence_id=3, audio=WAV),
    "form": form(sequence_id=4, audio=OTHER_WAV, duration_ms=900),
    "text as a form": form(sequence_id=5, text="Tiene la palabra la concejala."),
    "bare": bare(WAV, "?sequence_id=6&duration_ms=700"),
    "bare again, otherwise named": bare(WAV, "?sequence_id=6", "application/octet-stream"),
    "bare of Chrome": bare(chromes_webm(500), "?sequence_id=7&captured_at=2026-11-25T14:00:00Z", "audio/webm"),
    "the alias": replace(said(sequence_id=8, text=OPENING), verb="chunk"),
    "other text": said(sequence_id=1, text="Otra cosa."),
    "other audio": bare(OTHER_WAV, "?sequence_id=6"),
    "audio for text": form(sequence_id=1, audio=WAV),
}
FOR_DJANGO: dict[str, Sent] = {
    "no audio": bare(b"no audio at all", "?sequence_id=9"),
    "too far": said(sequence_id=900_000, text=OPENING),
    "blank text": said(sequence_id=9, text=" "),
    "two contents": said(sequence_id=9, text=OPENING, audio_chunk=BASE64),
    "no content": said(sequence_id=9),
    "no number": said(text=OPENING),
    "no number, bare": bare(WAV, ""),
    "2^63": said(sequence_id=2**63, text=OPENING),
    "no base64": said(sequence_id=9, audio_chunk="*"),
    "a letter that is no base64": said(sequence_id=9, audio_chunk="ñandú"),
    "lone surrogate": Sent(b'{"sequence_id": 9, "audio_chunk": "\\ud800"}'),
    "NUL": Sent(b'{"sequence_id": 9, "audio_chunk": "\\u0000"}'),
    "JSON cut off": Sent(b'{"sequence_id": 9'),
    "no object": Sent(b"[1]"),
    "broken form": replace(form(sequence_id=9, audio=WAV), media_type="multipart/form-data; boundary=other"),
    "form without boundary": Sent(b"x", "multipart/form-data"),
    "form encoding": Sent(b"sequence_id=9&text=a", "application/x-www-form-urlencoded"),
    "picture": bare(WAV, "?sequence_id=9", "image/png"),
    "no type": bare(WAV, "?sequence_id=9", ""),
    "wait for nothing": bare(WAV, "?sequence_id=9&wait=0"),
    "wait for ever": bare(WAV, "?sequence_id=9&wait=31"),
    "wait for a word": replace(said(sequence_id=9, text=OPENING), query="?wait=NaN"),
    "a query without end": bare(WAV, "?sequence_id=9&" + "a=1&" * 1001),
    "GET": Sent(b"", method="GET"),
}


def behind(minutes: Minutes, person: Person, sent: Sent) -> tuple[int, bytes, dict[str, str | None]]:
    """What the view behind answers."""
    path = f"{minutes.url(sent.verb)}{sent.query}"
    answer = client_for(person).generic(sent.method, path, sent.content, content_type=sent.media_type)  # type: ignore[arg-type]  # stub: bytes work
    headers = {name: answer.headers.get(name) for name in HEADERS}
    return answer.status_code, _neutral(answer.content, minutes, answer["X-Trace-Id"]), headers


def in_front(site: Site, minutes: Minutes, person: Person, sent: Sent) -> tuple[int, bytes, dict[str, str | None]]:
    """What an ASGI server answers."""
    path = f"{minutes.url(sent.verb)}{sent.query}"
    headers = {"Content-Type": sent.media_type} if sent.media_type else {}
    answer = site.send(sent.method, path, headers=headers, content=sent.content, person=person)
    found = {name: answer.headers.get(name) for name in HEADERS}
    return answer.status_code, _neutral(answer.content, minutes, answer.headers["x-trace-id"]), found


def _neutral(content: bytes, minutes: Minutes, trace_id: str) -> bytes:
    return content.replace(minutes.session_id.encode(), b"SESSION").replace(trace_id.encode(), b"TRACE")


def test_plain_appends_are_answered_in_front_as_behind(alice: Person, subtests: pytest.Subtests) -> None:
    one, other, site = Minutes.start(alice), Minutes.start(alice), Site()
    for name, sent in PLAIN.items():
        with subtests.test(name):
            assert in_front(site, one, alice, sent) == behind(other, alice, sent)
    assert site.reached_django == []
    rows = [
        [
            (row.number, row.kind, row.sequence_id, row.payload, row.content_sha256, row.actor)
            for row in session.journal()
        ]
        for session in (one, other)
    ]
    assert rows[0] == rows[1]
    assert len(rows[0]) == 8


def test_what_is_not_plain_is_django_s_to_answer(alice: Person, subtests: pytest.Subtests) -> None:
    one, other, site = Minutes.start(alice), Minutes.start(alice), Site()
    for name, sent in FOR_DJANGO.items():
        with subtests.test(name):
            assert in_front(site, one, alice, sent) == behind(other, alice, sent)
    assert len(site.reached_django) == len(FOR_DJANGO)
    assert one.journal() == []


def test_strangers_are_refused_as_behind(alice: Person, charlie: Person, subtests: pytest.Subtests) -> None:
    minutes, nobodys, site = Minutes.start(alice), Minutes(client_for(alice), str(uuid4())), Site()
    for name, sent in {**PLAIN, **FOR_DJANGO}.items():
        if sent.method == "POST":
            with subtests.test(name):
                assert in_front(site, minutes, charlie, sent) == behind(minutes, charlie, sent)
                assert in_front(site, nobodys, charlie, sent) == behind(nobodys, charlie, sent)
    sent = PLAIN["text"]
    assert json.loads(in_front(site, minutes, charlie, sent)[1])["code"] == "session_of_another_tenant"
    assert json.loads(in_front(site, nobodys, charlie, sent)[1])["code"] == "session_not_found"
    assert minutes.journal() == []


def test_a_council_that_is_switched_off_is_refused_at_once(alice: Person) -> None:
    minutes, site = Minutes.start(alice), Site()
    assert in_front(site, minutes, alice, PLAIN["text"])[0] == 202
    type(alice.council).objects.filter(pk=alice.tenant_id).update(is_active=False)
    for sent in (PLAIN["text"], PLAIN["bare"], FOR_DJANGO["no number"], FOR_DJANGO["no audio"]):
        found = in_front(site, minutes, alice, sent)
        assert found == behind(minutes, alice, sent)
        assert json.loads(found[1])["code"] == "tenant_inactive"


def test_a_token_without_the_scope_is_refused(alice: Person) -> None:
    minutes, site = Minutes.start(alice), Site()
    headers = {"Authorization": f"Bearer {alice.token('sessions:read')}", "Content-Type": "audio/wav"}
    answer = site.send("POST", f"{minutes.url('append')}?sequence_id=1", headers=headers, content=WAV)
    assert (answer.status_code, answer.json()["code"]) == (403, "scope_missing")
    assert minutes.journal() == []


@pytest.mark.parametrize(
    "change",
    [{"Host": "evil.invalid"}, {"Authorization": "Basic eA=="}, {"Authorization": "Bearer a b"}, {"Authorization": ""}],
    ids=["another host", "no bearer", "two tokens", "no token"],
)
def test_who_does_not_belong_here_gets_nothing_stored(alice: Person, change: dict[str, str]) -> None:
    minutes, site = Minutes.start(alice), Site()
    headers = {"Authorization": f"Bearer {alice.token()}", "Content-Type": "audio/wav", **change}
    answer = site.send("POST", f"{minutes.url('append')}?sequence_id=1", headers=headers, content=WAV)
    assert answer.status_code in (400, 401)
    assert minutes.journal() == []


def test_plain_http_is_redirected_where_the_site_wants_tls(alice: Person, settings: Settings) -> None:
    settings.SECURE_SSL_REDIRECT = True
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    minutes, site = Minutes.start(replace_scheme(alice, settings)), Site()
    path, headers = f"{minutes.url('append')}?sequence_id=1", {"Content-Type": "audio/wav"}
    assert site.send("POST", path, headers=headers, content=WAV, person=alice).status_code == 301
    headers["X-Forwarded-Proto"] = "https"
    assert site.send("POST", path, headers=headers, content=WAV, person=alice).status_code == 202
    assert len(site.reached_django) == 1


def replace_scheme(person: Person, settings: Settings) -> Person:
    """Let the test client, which speaks plain HTTP, start a session all the same."""
    settings.SECURE_REDIRECT_EXEMPT = [r"session/start$"]
    return person


def test_answers_over_tls_carry_hsts(settings: Settings) -> None:
    settings.SECURE_HSTS_SECONDS = 60
    site_headers.cache_clear()
    try:
        assert (b"strict-transport-security", b"max-age=60") in site_headers(True)
        assert b"strict-transport-security" not in dict(site_headers(False))
    finally:
        site_headers.cache_clear()


def test_a_client_that_goes_away_in_the_middle_leaves_nothing(alice: Person) -> None:
    minutes, site = Minutes.start(alice), Site()
    told: list[Any] = []
    pieces = iter([{"type": "http.request", "body": WAV[:1000], "more_body": True}, {"type": "http.disconnect"}])

    async def receive() -> Any:
        return next(pieces)

    async def send(message: Any) -> None:
        told.append(message)

    headers = {"host": "testserver", "authorization": f"Bearer {alice.token()}", "content-type": "audio/wav"}
    scope = {
        "type": "http",
        "method": "POST",
        "path": minutes.url("append"),
        "query_string": b"sequence_id=1",
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
    }
    asyncio.run(site.application(scope, receive, send))
    assert told == []
    assert minutes.journal() == []


def test_a_mistake_of_ours_is_a_problem_with_its_trace_id(alice: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    class Listening(logging.Handler):
        """Notes what a log line would say of the call."""

        heard: ClassVar[list[tuple[str, str | None]]] = []

        def emit(self, record: logging.LogRecord) -> None:
            self.heard.append((record.levelname, current_context().get("trace_id")))

    def broken(*_: Any, **__: Any) -> None:
        raise RuntimeError("a mistake")

    minutes, site = Minutes.start(alice), Site()
    monkeypatch.setattr(inputs, "append_text", broken)
    listening, log = Listening(), logging.getLogger(append_front.__name__)
    log.addHandler(listening)
    try:
        answer = site.append(minutes, alice, "", PLAIN["text"].content, "application/json")
    finally:
        log.removeHandler(listening)
    assert (answer.status_code, answer.json()["code"]) == (500, "internal_error")
    assert answer.json()["trace_id"] == answer.headers["x-trace-id"]
    assert Listening.heard == [("ERROR", answer.json()["trace_id"])]


def test_connections_that_died_meanwhile_are_replaced_unnoticed(alice: Person) -> None:
    """Those of the threads that work, and all that wait in the pool: PostgreSQL was restarted."""
    minutes, site = Minutes.start(alice), Site()
    assert in_front(site, minutes, alice, said(sequence_id=1, text=OPENING))[0] == 202
    pool = connection.pool  # type: ignore[attr-defined]  # django-stubs: the base class has none
    for unused in [pool.getconn() for _ in range(6)]:
        pool.putconn(unused)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
        )
        assert cursor.fetchone()[0] >= 1
    for number in range(2, 6):
        assert in_front(site, minutes, alice, said(sequence_id=number, text=OPENING))[0] == 202
    assert len(minutes.journal()) == 5


def test_what_was_appended_in_front_becomes_minutes(alice: Person) -> None:
    minutes, site = Minutes.start(alice), Site()
    for number, text in enumerate((OPENING, "Se levanta la sesión."), 1):
        sent = said(sequence_id=number, text=text)
        assert in_front(site, minutes, alice, sent)[0] == 202
    finish_jobs()
    minutes.close()
    assert "se abre la sesión" in minutes.document_text()
