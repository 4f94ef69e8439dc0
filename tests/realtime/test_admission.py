"""Who may open a socket, with what, and until when."""

from __future__ import annotations

import json
import time
from typing import Any
from uuid import uuid4

import pytest
from django.conf import settings as django_settings
from pytest_django import Settings
from websockets.exceptions import InvalidStatus

from astra_site.lib.active_tenants import is_active_tenant
from sessions_app.realtime.routing import websocket_urlpatterns
from tenants.dev_tokens import issue_dev_token
from tests.people import Person
from tests.realtime.live_server import LiveServer
from tests.realtime.talk import EVENTS, STREAM, streaming, talking
from tests.sessions.minutes_client import OPENING, Minutes, world

pytestmark = pytest.mark.django_db(transaction=True)
LEEWAY_S = 10


@pytest.fixture
def minutes(alice: Person) -> Minutes:
    return Minutes.start(alice, mode="realtime")


def short_token(person: Person, left_s: int, subject: str = "") -> str:
    """A token that is accepted for some seconds more: it has expired, but the leeway is not over."""
    return issue_dev_token(person.tenant_id, subject=subject or person.name, ttl_s=left_s - LEEWAY_S)


def refused(live: LiveServer, *arguments: Any, **options: Any) -> tuple[int, str]:
    """Try to open a socket; return the status and code of the problem that the handshake was answered with."""
    with pytest.raises(InvalidStatus) as answer, talking(live, *arguments, **options):
        pass
    response = answer.value.response
    return response.status_code, json.loads(response.body or b"{}")["code"]


def test_a_token_comes_in_the_header_the_subprotocols_or_the_hello(
    live: LiveServer, minutes: Minutes, alice: Person
) -> None:
    token = alice.token()
    with talking(live, minutes.session_id, token) as talk:
        assert talk.welcome()["type"] == "welcome"
        assert talk.connection.subprotocol is None
    with talking(live, minutes.session_id, subprotocols=(STREAM, f"bearer.{token}")) as talk:
        assert talk.welcome()["type"] == "welcome"
        assert talk.connection.subprotocol == STREAM
    with talking(live, minutes.session_id) as talk:
        assert talk.welcome(token=token)["type"] == "welcome"


@pytest.mark.parametrize("kind", ["stream", "events"])
def test_a_bad_token_closes_with_its_code_before_anything_is_said(
    live: LiveServer, minutes: Minutes, alice: Person, kind: str
) -> None:
    other = "jobs:read"
    for token, expected in (
        ("x.y.z", (4401, "token_invalid")),
        (short_token(alice, -5), (4401, "token_expired")),
        (alice.token(other), (4403, "scope_missing")),
        (issue_dev_token(uuid4(), subject="nobody"), (4403, "tenant_inactive")),
    ):
        with talking(live, minutes.session_id, token, kind=kind) as talk:
            code, reason, heard = talk.end()
            assert (code, reason) == expected
            assert [frame["code"] for frame in heard] == [reason]
    with talking(live, minutes.session_id, kind=kind, headers={"Authorization": "Basic eA=="}) as talk:
        assert talk.end()[:2] == (4401, "token_invalid")
    with talking(live, minutes.session_id, kind=kind) as talk:
        talk.say(type="hello")
        assert talk.end()[:2] == (4401, "token_missing")


def test_events_on_a_stream_need_the_right_to_read(live: LiveServer, minutes: Minutes, alice: Person) -> None:
    writer = alice.token("sessions:write")
    with talking(live, minutes.session_id, writer) as talk:
        talk.welcome()
        talk.say(type="text", text=OPENING)
        assert talk.hear()["type"] == "ack"
    with talking(live, minutes.session_id, writer) as talk:
        talk.say(type="hello", events=True)
        assert talk.end()[:2] == (4403, "scope_missing")


@pytest.mark.parametrize("kind", ["stream", "events"])
def test_a_wrong_subprotocol_is_refused_in_the_handshake(
    live: LiveServer, minutes: Minutes, alice: Person, kind: str
) -> None:
    other = {"stream": EVENTS, "events": STREAM}[kind]
    for offered in (("graphql-ws",), (other,), (f"bearer.{alice.token()}",)):
        answer = refused(live, minutes.session_id, alice.token(), kind=kind, subprotocols=offered)
        assert answer == (400, "subprotocol_unsupported")


ORIGINS = {
    None: True,
    "https://sesiones.example.org": True,
    "https://SESIONES.example.org": True,
    "http://sesiones.example.org": False,
    "https://sesiones.example.org.evil.example": False,
    "https://sesiones.example.org:8443": False,
    "null": False,
    "https://[": False,
}


def test_pages_of_other_sites_may_not_open_a_socket(
    live: LiveServer, minutes: Minutes, alice: Person, settings: Settings, subtests: pytest.Subtests
) -> None:
    settings.SOCKET_ORIGINS = ["https://sesiones.example.org/"]
    for origin, is_allowed in ORIGINS.items():
        headers = {"Origin": origin} if origin else {}
        with subtests.test(origin):
            if is_allowed:
                with talking(live, minutes.session_id, alice.token(), headers=headers) as talk:
                    talk.welcome()
            else:
                assert refused(live, minutes.session_id, alice.token(), headers=headers) == (403, "origin_not_allowed")


def test_by_default_the_site_itself_is_the_only_page() -> None:
    assert django_settings.SOCKET_ORIGINS == [django_settings.PUBLIC_URL]


def test_an_address_that_no_socket_has_is_refused_in_the_handshake(
    live: LiveServer, minutes: Minutes, alice: Person, subtests: pytest.Subtests
) -> None:
    for address in ("", "nothing/stream", "{id}", "{id}/stream/", "{id}/streams", "{id}/stream/more"):
        path, _, kind = address.format(id=minutes.session_id).partition("/")
        with subtests.test(address):
            assert refused(live, path, alice.token(), kind=kind) == (404, "not_found")


def test_the_walk_below_knows_every_parameter() -> None:
    for route in websocket_urlpatterns:
        assert set(route.pattern.converters) == {"session_id"}, "Say in the walk how to fill this address."
        assert str(route.pattern).startswith("ws/v1/session/<uuid:session_id>/")


@pytest.mark.parametrize("route", [str(route.pattern) for route in websocket_urlpatterns])
def test_an_outsider_is_closed_out_of_every_socket(
    live: LiveServer, minutes: Minutes, alice: Person, charlie: Person, route: str
) -> None:
    """The addresses are read from the router: a new one is tried as soon as it exists."""
    minutes.say(1, OPENING)
    kind = route.rsplit("/", 1)[-1]
    before = world(alice.tenant_id, charlie.tenant_id)
    for session_id, expected in (
        (minutes.session_id, (4403, "session_of_another_tenant")),
        (str(uuid4()), (4404, "session_not_found")),
    ):
        with talking(live, session_id, charlie.token(), kind=kind) as talk:
            assert talk.end()[:2] == expected
        with talking(live, session_id, kind=kind) as talk:
            talk.say(type="hello", token=charlie.token())
            talk.say(type="text", sequence_id=2, text="Intruso.")
            code, reason, heard = talk.end()
        assert (code, reason) == expected
        assert [frame["type"] for frame in heard] == ["error"]
    assert world(alice.tenant_id, charlie.tenant_id) == before


def test_a_colleague_of_the_same_council_may(live: LiveServer, minutes: Minutes, bob: Person) -> None:
    with streaming(live, minutes.session_id, bob) as talk:
        talk.say(type="text", text=OPENING)
        talk.hear("ack")
    assert minutes.journal()[-1].actor == "bob"


@pytest.mark.parametrize("kind", ["stream", "events"])
def test_whoever_does_not_say_hello_in_time_is_closed(
    live: LiveServer, minutes: Minutes, settings: Settings, kind: str
) -> None:
    settings.SOCKET_HELLO_TIMEOUT_S = 1
    with talking(live, minutes.session_id, kind=kind) as talk:
        assert talk.end()[:2] == (4408, "hello_timeout")


def test_a_token_that_expires_ends_the_stream(live: LiveServer, minutes: Minutes, alice: Person) -> None:
    with talking(live, minutes.session_id, short_token(alice, 2)) as talk:
        talk.welcome()
        talk.say(type="text", text=OPENING)
        talk.hear("ack")
        assert talk.end()[:2] == (4401, "token_expired")


def test_a_fresh_token_of_the_same_caller_prolongs_it_and_no_other_does(
    live: LiveServer, minutes: Minutes, alice: Person, bob: Person, charlie: Person
) -> None:
    with talking(live, minutes.session_id, short_token(alice, 2)) as talk:
        expires_at = talk.welcome(events=False)["token_expires_at"]
        opened_at = time.monotonic()
        for token, code in (
            (bob.token(), "token_of_another"),
            (short_token(charlie, 60, subject="alice"), "token_of_another"),
            (alice.token("sessions:read"), "scope_missing"),
            (short_token(alice, -1), "token_expired"),
            ("nonsense", "token_invalid"),
        ):
            talk.say(type="token", token=token, id="t")
            error = talk.hear()
            assert (error["code"], error["about"], error["id"]) == (code, "token", "t")
        talk.say(type="token", token=short_token(alice, 3))
        assert talk.hear("token")["token_expires_at"] > expires_at
        assert talk.end()[:2] == (4401, "token_expired")
        assert time.monotonic() - opened_at > 2


def test_whoever_is_told_events_needs_a_fresh_token_that_may_read_them(
    live: LiveServer, minutes: Minutes, alice: Person
) -> None:
    with talking(live, minutes.session_id, alice.token("sessions:read", "sessions:write")) as talk:
        talk.welcome(events=True)
        talk.say(type="token", token=alice.token("sessions:write"), id="t")
        error = talk.hear("error")
        assert (error["code"], error["about"]) == ("scope_missing", "token")


def test_a_tenant_that_is_switched_off_is_closed_out(
    live: LiveServer, minutes: Minutes, alice: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sessions_app.realtime.caller._TENANT_AGAIN_S", 0.1)
    with streaming(live, minutes.session_id, alice) as talk:
        alice.council.is_active = False
        alice.council.save()
        assert not is_active_tenant(alice.tenant_id)
        assert talk.end()[:2] == (4403, "tenant_inactive")


def test_a_process_holds_so_many_sockets_and_a_tenant_its_share(
    live: LiveServer, minutes: Minutes, alice: Person, charlie: Person, settings: Settings
) -> None:
    settings.SOCKETS_PER_PROCESS, settings.SOCKETS_PER_TENANT = 3, 1
    with talking(live, minutes.session_id, alice.token(), kind="events") as first:
        first.hear("welcome")
        with talking(live, minutes.session_id, alice.token(), kind="events") as second:
            assert second.end()[:2] == (4429, "too_many_sockets")
        theirs = Minutes.start(charlie, mode="realtime")
        with streaming(live, theirs.session_id, charlie):
            settings.SOCKETS_PER_PROCESS = 2
            assert refused(live, theirs.session_id, charlie.token()) == (503, "too_many_sockets")


def test_sockets_without_a_token_in_the_handshake_have_few_places(
    live: LiveServer, minutes: Minutes, alice: Person, settings: Settings
) -> None:
    settings.SOCKETS_WAITING = 1
    with talking(live, minutes.session_id) as silent:
        with talking(live, minutes.session_id) as another:
            assert another.end()[:2] == (4503, "too_many_sockets")
        with talking(live, minutes.session_id, alice.token()) as known:
            known.welcome()
        silent.welcome(token=alice.token())
        with talking(live, minutes.session_id) as another:
            another.welcome(token=alice.token())
