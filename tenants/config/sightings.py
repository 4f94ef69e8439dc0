"""How often CORE found each template in a council's sessions, and a few texts: for whoever maps them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final
from uuid import UUID

from django.db import connection

from astra_site.lib.clock import utc_now
from astra_site.lib.ids import new_id
from tenants.models import TemplateSighting

SAMPLES: Final = 3
SAMPLE_CHARS: Final = 300
# Rows in one order, so that two workers never wait for each other in a circle.
_UPSERT: Final = f"""
INSERT INTO {TemplateSighting._meta.db_table} AS known
    (id, tenant_id, template_id, intent, label, count, samples, last_seen_at)
VALUES (%s, %s, %s, %s, %s, %s, %s::jsonb, %s)
ON CONFLICT (tenant_id, template_id) DO UPDATE SET
    intent = EXCLUDED.intent, label = EXCLUDED.label, last_seen_at = EXCLUDED.last_seen_at,
    count = known.count + EXCLUDED.count,
    samples = CASE WHEN jsonb_array_length(known.samples) < {SAMPLES} AND NOT known.samples @> EXCLUDED.samples
        THEN known.samples || EXCLUDED.samples ELSE known.samples END
"""  # noqa: S608 - the table's own name and a number


@dataclass(frozen=True, slots=True)
class Seen:
    """A template that CORE found once or more; `text` is what was said, empty where it must not be shown."""

    template_id: str
    intent: str
    label: str
    text: str
    count: int = 1


def record_sightings(tenant_id: UUID, seen: Iterable[Seen]) -> None:
    """Count what was found in one input of a session, with one text of each template. Nothing seen, nothing written.

    Called after the commit that journals the input's blocks: a crash in between loses the count of that input.
    """
    counted: dict[str, Seen] = {}
    for one in seen:
        known = counted.get(one.template_id)
        counted[one.template_id] = (
            one if known is None else replace(known, count=known.count + 1, text=known.text or one.text)
        )
    if not counted:
        return
    now = utc_now()
    rows = []
    for _, one in sorted(counted.items()):
        samples = json.dumps([one.text[:SAMPLE_CHARS]] if one.text else [], ensure_ascii=False)
        rows.append((new_id(), tenant_id, one.template_id, one.intent, one.label[:300], one.count, samples, now))
    with connection.cursor() as cursor:
        cursor.executemany(_UPSERT, rows)
