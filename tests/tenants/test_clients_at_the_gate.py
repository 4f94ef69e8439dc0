"""API clients before the whole site: the gate lets their form in, the append in front of Django shuts them out."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import grpc
import pytest

from tenants.api_clients.services import revoke
from tenants.rates import stranger_buckets
from tests.people import Person, client_with
from tests.realtime.live_server import LiveServer, serving
from tests.realtime.talk import talking
from tests.rpc.serving import Rpc, refused
from tests.rpc.serving import serving as rpc_serving
from tests.sessions.asgi_client import Site
from tests.sessions.minutes_client import OPENING, Minutes
from tests.tenants.api_client import FORM, TOKEN, Program, basic, start

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def program(alice: Person, clean_redis: None) -> Program:
    stranger_buckets().forget()
    return Program(alice)


@pytest.fixture
def live(transactional_db: None) -> Iterator[LiveServer]:
    with serving() as running:
        yield running


def ask_site(site: Site, program: Program, content: bytes = b"grant_type=client_credentials") -> Any:
    headers = {"Authorization": basic(str(program.client.pk), program.secret), "Content-Type": FORM}
    return site.send("POST", TOKEN, headers=headers, content=content)


def test_the_gate_lets_a_small_form_without_a_token_pass(program: Program) -> None:
    site = Site()
    assert ask_site(site, program).json()["token_type"] == "Bearer"
    too_long = ask_site(site, program, b"grant_type=client_credentials&scope=" + b"a" * 9000)
    assert (too_long.status_code, too_long.json()["code"]) == (413, "body_too_large")
    for path in ("/v1/oauth/tokens", "/v1/oauth/token/../../orchestrator/session/start", "/v1/oauth/token/x"):
        refused = site.send("POST", path, headers={"Content-Type": FORM}, content=b"a=b")
        assert refused.status_code == 401, path
    assert site.reached_django == [f"POST {TOKEN}"]


def test_a_revoked_client_is_out_of_the_fast_path_at_once(program: Program) -> None:
    site = Site()
    token = program.token()
    minutes = Minutes(client_with(token), start(token).json()["session_id"])

    def say(number: int) -> Any:
        body = json.dumps({"sequence_id": number, "text": OPENING}).encode()
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        return site.send("POST", minutes.url("append"), headers=headers, content=body)

    assert [say(number).status_code for number in (1, 2)] == [202, 202]
    assert site.reached_django == [], "a client whose grant was looked up a moment ago is answered in front"
    revoke(program.client, actor="admin:ana")
    refused = say(3)
    assert (refused.status_code, refused.json()["code"]) == (401, "client_revoked")
    assert minutes.kinds().count("text") == 2


def test_an_open_socket_of_a_revoked_client_is_closed(
    live: LiveServer, program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sessions_app.realtime.caller._TENANT_AGAIN_S", 0.1)
    token = program.token()
    session_id = start(token).json()["session_id"]
    with talking(live, session_id, token) as talk:
        assert talk.welcome()["type"] == "welcome"
        revoke(program.client, actor="admin:ana")
        assert talk.end()[:2] == (4401, "client_revoked")


def test_a_client_calls_over_grpc_until_it_is_revoked(program: Program) -> None:
    token = program.token()
    session_id = start(token).json()["session_id"]
    with rpc_serving() as server, grpc.insecure_channel(server.target) as channel:
        rpc = Rpc(channel, token)
        rpc.say(session_id, 1, OPENING)
        revoke(program.client, actor="admin:ana")
        with refused("client_revoked", grpc.StatusCode.UNAUTHENTICATED):
            rpc.say(session_id, 2, OPENING)
