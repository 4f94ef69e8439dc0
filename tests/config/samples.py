"""The demonstration's configuration and skeleton, and templates that occurred."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from functools import cache
from typing import Any
from uuid import UUID

from astra_site.lib.tenancy import tenant_scope
from tenants.config.checks import Place
from tenants.config.sightings import Seen, record_sightings
from tenants.skeleton import parse_skeleton
from tests.factories.tenants import CONFIG, SKELETON_DOCX

FIELDS = {
    "VOTE": frozenset({"subject", "in_favour", "against", "abstentions", "result"}),
    "ROLL_CALL": frozenset({"name", "presence"}),
    "OPEN_SESSION": frozenset({"time"}),
    "CLOSE_SESSION": frozenset({"time"}),
}


def content(**changes: Any) -> dict[str, Any]:
    """A configuration that fits the skeleton, with other top-level members."""
    return copy.deepcopy({**CONFIG, **changes})


@cache
def places() -> dict[str, Place]:
    """The placeholders of the demonstration's skeleton."""
    return Place.all_of(parse_skeleton(SKELETON_DOCX).to_json()["placeholders"])


def occurred(tenant_id: UUID, seen: Iterable[Seen]) -> None:
    """Let templates have occurred in a council's sessions."""
    with tenant_scope(tenant_id):
        record_sightings(tenant_id, seen)
