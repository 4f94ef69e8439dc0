"""A council's adapter is for CORE: it is told which one the session has pinned."""

from __future__ import annotations

import json

import pytest

from sessions_app.understanding.schema import CoreRequest
from tenants.registry.services import register_model
from tests.doubles.misbehaving_core import Core, Exchange, behave
from tests.factories.registry import AdapterFactory, ModelActivationFactory
from tests.people import Person
from tests.sessions.minutes_client import OPENING, Minutes, finish_jobs

pytestmark = pytest.mark.django_db(transaction=True)


def test_core_is_told_the_adapter_that_the_session_has_pinned(remote: Core, alice: Person) -> None:
    plain = Minutes.start(alice, mode="realtime")
    adapter = AdapterFactory(tenant=alice.council, code="adapter_v2")
    ModelActivationFactory(tenant=alice.council, model=register_model("whisper", "micro"), adapter=adapter)
    adapted = Minutes.start(alice, mode="realtime")
    bodies: list[bytes] = []

    def note(exchange: Exchange) -> None:
        bodies.append(exchange.body)
        behave(exchange)

    remote.behaviour = note
    for minutes in (plain, adapted):
        assert minutes.say(1, OPENING).status_code == 202
        finish_jobs()
        assert [block["text"] for block in minutes.blocks()] == [OPENING]
    assert [CoreRequest.parse(body).tenant.adapter for body in bodies] == ["", "adapter_v2"]
    assert "adapter" not in json.loads(bodies[0])["tenant"], "a CORE of before adapters would refuse it"
