"""Corrections and second versions in the admin: read, never changed."""

from __future__ import annotations

import pytest
from django.urls import reverse

from tenants.models import Role
from tests.browser.people import member, signed_in
from tests.people import Person
from tests.sessions.clerk import Clerk
from tests.sessions.minutes_client import DEBATE, OPENING, Minutes, finish_jobs
from tests.sessions.test_clone import cloned
from tests.sessions.test_sessions_admin import PAGE, page

pytestmark = pytest.mark.django_db(transaction=True)


def test_both_versions_lead_to_each_other_and_the_journal_tells_each_correction(alice: Person) -> None:
    first = Minutes.start(alice)
    first.say(1, OPENING)
    first.say(2, DEBATE)
    finish_jobs()
    clerk = Clerk(first)
    clerk.do("2.0", "split", at=12)
    clerk.do("1.0", "edit", text="Se abre la sesión extraordinaria.")
    first.close()
    second = cloned(first).minutes
    people = signed_in(member(alice.council, Role.VIEWER))
    links = {one: reverse(PAGE, args=[one.session_id]) for one in (first, second)}
    assert links[second] in page(people, PAGE, first.session_id, list="details")
    assert links[first] in page(people, PAGE, second.session_id, list="details")
    journal = page(people, PAGE, first.session_id, list="journal")
    assert "1.0 → Se abre la sesión extraordinaria." in journal
    assert "alice" in journal
    assert "extraordinaria" in page(people, PAGE, second.session_id, list="journal")
