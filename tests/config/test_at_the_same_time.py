"""Two people change one configuration in the same moment: one wins, the other is told, nothing is half done."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from astra_site.lib.tenancy import tenant_scope
from tenants.config.drafts import edit_draft, publish_draft, read_draft
from tenants.config.sightings import Seen, record_sightings
from tenants.errors import DraftConflict
from tenants.models import ConfigEdit, ConfigVersion, TemplateSighting
from tests.people import Person
from tests.sessions.test_at_the_same_time import all_at_once

pytestmark = pytest.mark.django_db(transaction=True)
PEOPLE = 6


def outcomes(person: Person, attempt: Callable[[int], object]) -> list[str]:
    """Let people attempt the same at once; return how each fared."""
    fared: list[str] = []

    def one(number: int) -> Callable[[], None]:
        def call() -> None:
            with tenant_scope(person.tenant_id):
                try:
                    attempt(number)
                    fared.append("done")
                except DraftConflict as refused:
                    fared.append(refused.code)

        return call

    all_at_once(*(one(number) for number in range(PEOPLE)))
    return sorted(fared, key="done".__ne__)


def test_one_edit_wins_and_one_publication(alice: Person) -> None:
    def edit(number: int) -> None:
        values = {"heard": "Cuibdó", "written": f"Quibdó {number}"}
        edit_draft("set_word", values, revision=0, actor=f"admin:{number}")

    assert outcomes(alice, edit) == ["done", *["draft_changed"] * (PEOPLE - 1)]
    with tenant_scope(alice.tenant_id):
        assert (read_draft().revision, ConfigEdit.objects.count()) == (1, 1)
    published = outcomes(alice, lambda number: publish_draft(revision=1, newest=1, actor=f"admin:{number}"))
    assert published.count("done") == 1
    with tenant_scope(alice.tenant_id):
        assert ConfigVersion.objects.count() == 2
        assert ConfigEdit.objects.count() == 2


def test_templates_seen_at_once_are_all_counted(alice: Person) -> None:
    def see(number: int) -> None:
        names = ("TPL_A", "TPL_B", "TPL_C")
        seen = [Seen(name, "DEBATE", name, f"{number}") for name in names]
        record_sightings(alice.tenant_id, seen if number % 2 else reversed(seen))

    assert outcomes(alice, see) == ["done"] * PEOPLE
    with tenant_scope(alice.tenant_id):
        assert set(TemplateSighting.objects.values_list("count", flat=True)) == {PEOPLE}
