"""Sessions pin the model that is in force when they start; the flag of a new one is taken by exactly one of them."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from threading import Event
from uuid import UUID

import pytest
from pytest_django import Settings

from astra_site.embedded import RedisServer
from astra_site.lib.redis_client import redis_client
from astra_site.lib.tenancy import tenant_scope
from sessions_app.services.sessions import start_session
from tenants.models import Tenant
from tenants.registry import news, services
from tenants.registry.services import activate_model, register_model
from tests.config_service.ground import at_once, in_scope, seconds
from tests.factories.registry import AdapterFactory, ModelActivationFactory, RegisteredModelFactory
from tests.people import Person
from tests.sessions.minutes_client import Minutes
from tests.sessions.samples import WAV

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("clean_redis")]
THREADS = 12


def flag(council: Tenant) -> object:
    return redis_client().get(f"NEW_MODEL_AVAILABLE:{council.id}")


def start(council: Tenant) -> dict[str, object]:
    """Start a session and return its pin."""
    with tenant_scope(council.id):
        return dict(start_session(actor="clerk", client_timezone="America/Bogota").model_config)


def test_a_session_pins_what_is_in_force_and_keeps_it(alice: Person) -> None:
    before = Minutes.start(alice)
    adapter = AdapterFactory(tenant=alice.council, code="adapter_v2")
    model = register_model("whisper", "another")
    ModelActivationFactory(tenant=alice.council, model=model, adapter=adapter)
    after = Minutes.start(alice)
    ModelActivationFactory(tenant=alice.council)
    assert before.row().model_config["revision"] == 0
    assert before.row().model_config["engine"] == "whisper:micro"
    assert after.row().model_config == {
        "provider": "whisper",
        "engine": "whisper:another",
        "model": "another",
        "adapter": "adapter_v2",
        "adapter_sha256": adapter.sha256,
        "revision": 1,
    }
    shown = after.show()["pinned"]
    assert (shown["engine"], shown["adapter"], shown["model_revision"]) == ("whisper:another", "adapter_v2", 1)


def test_a_client_that_names_the_engine_gets_the_councils_model_of_it(alice: Person) -> None:
    ModelActivationFactory(tenant=alice.council, model=register_model("whisper", "another"))
    minutes = Minutes.start(alice, model_config={"provider": "whisper"})
    assert minutes.row().model_config["engine"] == "whisper:another"
    audio_url = minutes.upload_recording(WAV).json()["audio_url"]
    assert minutes.submit_recording(audio_url, provider="whisper").status_code == 202
    [recording] = [row for row in minutes.journal() if row.kind == "recording"]
    assert recording.payload["model_config"] == minutes.row().model_config


def test_the_first_session_takes_the_flag_and_every_one_gets_the_new_model(council: Tenant) -> None:
    model = ModelActivationFactory(tenant=council).model
    assert flag(council) == "1"
    assert start(council)["model"] == model.name
    assert flag(council) is None
    assert start(council)["model"] == model.name


def test_of_sessions_that_start_at_once_one_takes_the_flag_and_all_get_the_model(
    council: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken: list[bool] = []
    take = news.take_flag

    def counted(tenant_id: UUID) -> bool:
        taken.append(is_mine := take(tenant_id))
        return is_mine

    monkeypatch.setattr(news, "take_flag", counted)
    for revision in range(1, 4):
        taken.clear()
        ModelActivationFactory(tenant=council)
        pins = at_once(THREADS, lambda n: in_scope(council.id, lambda: start(council)))
        assert [pin["revision"] for pin in pins] == [revision] * THREADS
        assert sorted(taken) == [False] * (THREADS - 1) + [True]


def test_who_starts_after_an_activation_was_answered_never_gets_the_model_before(council: Tenant) -> None:
    """Sessions start all the time while models are activated; each compares with what it knew to be in force."""
    models = [RegisteredModelFactory() for _ in range(6)]
    in_force, done = [0], Event()

    def work(number: int) -> list[tuple[int, int, int]]:
        if number == 0:
            try:
                for model in models:
                    with tenant_scope(council.id):
                        in_force[0] = activate_model(model).number
            finally:
                done.set()
            return []
        seen = []
        while not done.is_set():
            before = in_force[0]
            revision = start(council)["revision"]
            assert isinstance(revision, int)
            seen.append((before, revision, in_force[0] + 1))
        return seen

    for seen in at_once(4, lambda n: in_scope(council.id, lambda: work(n))):
        assert all(before <= revision <= after for before, revision, after in seen)


def test_a_crash_between_the_flag_and_the_pin_loses_nothing(council: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    model = ModelActivationFactory(tenant=council).model

    def die() -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(services, "current_pin", die)
        with pytest.raises(KeyboardInterrupt):
            start(council)
    assert flag(council) is None
    assert start(council)["model"] == model.name


def test_an_emptied_redis_loses_nothing(council: Tenant) -> None:
    model = ModelActivationFactory(tenant=council).model
    redis_client().flushall()
    assert start(council)["model"] == model.name


@pytest.fixture
def own_redis(tmp_path: Path, settings: Settings) -> Iterator[RedisServer]:
    """A Redis that this test may harm."""
    server = RedisServer(tmp_path / "redis", aof=False, bound=True)
    server.start()
    settings.REDIS_URL = server.url
    redis_client.cache_clear()
    yield server
    redis_client().close()
    redis_client.cache_clear()
    server.stop()


def test_without_redis_models_are_activated_and_pinned(council: Tenant, own_redis: RedisServer) -> None:
    own_redis.kill()
    model = ModelActivationFactory(tenant=council).model
    assert start(council)["model"] == model.name
    own_redis.start()
    assert start(council)["model"] == model.name


def test_a_frozen_redis_delays_a_start_by_less_than_the_rest_of_it_takes(
    council: Tenant, own_redis: RedisServer
) -> None:
    model = ModelActivationFactory(tenant=council).model
    pid = own_redis.pid or 0
    os.kill(pid, signal.SIGSTOP)
    try:
        with tenant_scope(council.id):
            took_s = seconds(services.pin_for_new_session)
        assert took_s < 1.0
        assert start(council)["model"] == model.name
    finally:
        os.kill(pid, signal.SIGCONT)
    assert start(council)["model"] == model.name
