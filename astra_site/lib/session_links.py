"""Links to a session's admin page for the apps below it; the app that owns sessions says what they are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.core.exceptions import ImproperlyConfigured
from django.db.models import QuerySet
from django.db.models.expressions import Combinable
from django.utils.html import format_html
from django.utils.translation import gettext


@dataclass(frozen=True, slots=True)
class SessionPages:
    """What the owner of sessions knows.

    `address` returns the address of a session's page. `number` returns the expression of the number of the minutes of
    the session whose id stands in the named field of the outer query.
    """

    address: Callable[[UUID], str]
    number: Callable[[str], Combinable]


_pages: list[SessionPages] = []


def register_session_pages(pages: SessionPages) -> None:
    """Say what sessions' pages are, once per process, from `AppConfig.ready`."""
    _pages[:] = [pages]


def with_session_number(rows: QuerySet[Any]) -> QuerySet[Any]:
    """Read with each row that names a session by `session_id` the number of that session's minutes, in one query."""
    numbered: QuerySet[Any] = rows.annotate(session_number=_registered().number("session_id"))
    return numbered


def session_link(row: Any) -> str:
    """Return a link to a row's session, named by its minutes' number, else by the end of its id; a dash for none."""
    if row.session_id is None:
        return "—"
    number = getattr(row, "session_number", None)
    name = gettext("Minutes %(number)s") % {"number": number} if number else f"…{str(row.session_id)[-8:]}"
    return format_html(
        '<a class="underline whitespace-nowrap" href="{}" title="{}">{}</a>',
        _registered().address(row.session_id),
        row.session_id,
        name,
    )


def _registered() -> SessionPages:
    if not _pages:
        raise ImproperlyConfigured("No app has registered the pages of sessions (register_session_pages).")
    return _pages[0]
