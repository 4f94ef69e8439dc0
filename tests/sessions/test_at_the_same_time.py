"""Clients, workers, readers and losses at the same time, on threads of their own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest
from django.db import connection

from astra_site.lib.tenancy import tenant_scope
from sessions_app.services.buffering import buffer_of, journal_slots, read_page
from tests.people import Person
from tests.sessions.minutes_client import CLOSING, DEBATE, OPENING, VOTE, Minutes, finish_jobs
from tests.sessions.samples import png

pytestmark = pytest.mark.django_db(transaction=True)
DEADLINE_S = 60.0
SCRIPT = (OPENING, DEBATE, VOTE, "Tiene la palabra la concejala Gloria Murillo.", DEBATE, VOTE, DEBATE, CLOSING)


def all_at_once(*calls: Callable[[], object]) -> None:
    """Run each call on its own thread; raise what any of them raised."""

    def run(call: Callable[[], object]) -> None:
        try:
            call()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(calls)) as pool:
        for future in [pool.submit(run, call) for call in calls]:
            future.result(DEADLINE_S)


def test_two_clients_two_workers_and_a_vanishing_buffer(alice: Person, bob: Person) -> None:
    reference = Minutes.start(alice)
    for number, text in enumerate(SCRIPT, 1):
        reference.say(number, text)
    finish_jobs()
    reference.close()
    minutes = Minutes.start(alice)
    colleague = Minutes(Minutes.start(bob).api, minutes.session_id)
    said = Event()

    def send(client: Minutes, numbers: Sequence[int]) -> None:
        for number in numbers:
            for _ in range(2):
                answer = client.say(number, SCRIPT[number - 1])
                assert answer.status_code == 202, answer.content

    def speak() -> None:
        all_at_once(
            lambda: send(minutes, range(1, len(SCRIPT) + 1, 2)),
            lambda: send(colleague, range(len(SCRIPT), 0, -2)),
            lambda: send(colleague, range(1, len(SCRIPT) + 1)),
        )
        said.set()

    def work() -> None:
        while not said.is_set():
            finish_jobs()

    def lose() -> None:
        while not said.is_set():
            buffer_of(minutes.row()).drop()
            numbers = [block["sequence_id"] for block in minutes.blocks()]
            assert numbers == sorted(numbers)

    all_at_once(speak, work, work, lose)
    finish_jobs()
    with tenant_scope(alice.tenant_id):
        session = minutes.row()
        slots = sorted(journal_slots(session), key=lambda slot: (slot.sequence_id, slot.name))
        assert read_page(session, 0, 500).blocks == [dict(block) for slot in slots for block in slot.blocks]
    minutes.close()
    assert minutes.dumped_blocks() == reference.dumped_blocks()
    numbers = [row.number for row in minutes.journal()]
    assert numbers == list(range(1, len(numbers) + 1))
    assert len(minutes.jobs(flow="transcribe_chunk")) == len(SCRIPT)


def test_inputs_that_race_with_finalize_are_either_in_the_minutes_or_refused(alice: Person) -> None:
    minutes = Minutes.start(alice)
    minutes.say(1, OPENING)
    finish_jobs()
    accepted: list[int] = []

    def speak() -> None:
        for number in range(2, 14):
            if minutes.say(number, DEBATE).status_code == 202:
                accepted.append(number)

    def show() -> None:
        for shade in ("red", "green", "blue"):
            assert minutes.show_image(png(colour=shade)).status_code in (201, 409)

    all_at_once(speak, show, lambda: minutes.finalize(), lambda: minutes.finalize(), lambda: finish_jobs())
    finish_jobs()
    minutes.finalize()
    finish_jobs()
    assert minutes.show()["state"] == "CLOSED"
    blocks = minutes.dump()["blocks"]
    assert [block["sequence_id"] for block in blocks if block["type"] != "IMAGE"] == [1, *accepted]
    images = minutes.kinds().count("asset")
    assert len([block for block in blocks if block["type"] == "IMAGE"]) == images
    assert len(minutes.dump()["assets"]) == images
