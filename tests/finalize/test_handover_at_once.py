"""Recordings go into custody several at a time: all of them, once, in order, whatever breaks in between."""

from __future__ import annotations

import threading
from typing import Any
from uuid import UUID

import pytest
from django.db import transaction

from astra_site.lib.object_store import Bucket
from astra_site.lib.object_store.local import LocalObjectStore
from astra_site.lib.tenancy import current_tenant_id, tenant_scope
from astra_site.lib.threads import each_at_once
from custody.models import HeldObject
from sessions_app.models import Session
from tests.people import Person
from tests.sessions.large import grow
from tests.sessions.minutes_client import Minutes, finish_jobs
from tests.sessions.test_failures import path_of, without

pytestmark = pytest.mark.django_db(transaction=True)


def spoken(alice: Person, recordings: int) -> Minutes:
    minutes = Minutes.start(alice)
    with tenant_scope(alice.tenant_id):
        grow(Session.objects.select_related("config_version").get(pk=minutes.session_id), recordings, spoken=True)
    return minutes


def held(alice: Person) -> int:
    with tenant_scope(alice.tenant_id):
        return int(HeldObject.objects.count())


def test_several_are_copied_at_the_same_time(alice: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    minutes = spoken(alice, 8)
    met = threading.Barrier(2)
    copy = LocalObjectStore.copy

    def copy_with_another(*args: Any, **options: Any) -> Any:
        met.wait(30)  # nobody comes alone
        return copy(*args, **options)

    monkeypatch.setattr(LocalObjectStore, "copy", copy_with_another)
    minutes.close()
    assert held(alice) == 8


def test_one_that_is_gone_stops_the_rest_and_the_next_try_takes_up_what_is_held(alice: Person) -> None:
    minutes = spoken(alice, 40)
    lost = [row for row in minutes.journal() if row.audio_key][19]
    with without(path_of(Bucket.AUDIO, lost.audio_key)):
        minutes.finalize()
        finish_jobs()
        failed = minutes.show()
        assert (failed["state"], failed["failure"]["code"]) == ("SEAL_FAILED", "custody_audio_missing")
        assert 19 <= held(alice) < 40
    minutes.finalize()
    finish_jobs()
    assert minutes.show()["state"] == "CLOSED"
    assert held(alice) == 40


def test_work_on_many_items_keeps_their_order_and_the_scope(alice: Person) -> None:
    def work(number: int) -> tuple[int, UUID, str]:
        return number, current_tenant_id(), threading.current_thread().name

    with tenant_scope(alice.tenant_id):
        done = list(each_at_once(work, range(50), 4))
        assert [(number, tenant) for number, tenant, _ in done] == [(n, alice.tenant_id) for n in range(50)]
        assert threading.current_thread().name not in {name for _, _, name in done}
        with transaction.atomic():
            alone = list(each_at_once(work, range(3), 4))
    assert {name for _, _, name in alone} == {threading.current_thread().name}


def test_the_first_error_ends_the_work(alice: Person) -> None:
    begun: list[int] = []
    never = threading.Event()

    def work(number: int) -> int:
        begun.append(number)
        if number == 1:
            raise ZeroDivisionError
        never.wait(0.01 if number else 0)  # the rest would take five seconds
        return number

    with tenant_scope(alice.tenant_id):
        doing = each_at_once(work, range(1_000), 2)
        assert next(doing) == 0
        with pytest.raises(ZeroDivisionError):
            list(doing)
    assert len(begun) < 1_000
