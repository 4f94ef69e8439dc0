"""The path of typed sessions over HTTP, from the start to the sealed document."""

from __future__ import annotations

import pytest

from tests.people import Person
from tests.sessions.minutes_client import CLOSING, OPENING, VOTE, Minutes, finish_jobs

pytestmark = pytest.mark.django_db(transaction=True)


def test_inputs_out_of_order_become_minutes_in_order(alice: Person) -> None:
    minutes = Minutes.start(alice)
    for number, text in ((3, CLOSING), (1, OPENING), (2, VOTE)):
        answer = minutes.say(number, text)
        assert (answer.status_code, answer.json()["status"]) == (202, "PROCESSING")
    finish_jobs()
    assert [block["intent"] for block in minutes.blocks()] == ["OPEN_SESSION", "VOTE", "CLOSE_SESSION"]
    closed = minutes.close()
    assert closed["delivery"]["integrity_hash"].startswith("sha256:")
    assert minutes.document().startswith(b"PK")
    report = minutes.api.get(minutes.url("audit-report"))
    assert (report.status_code, report.json()["schema"]) == (200, "astra.audit-report/1")
