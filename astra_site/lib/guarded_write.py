"""One statement for one decision: change a row if it still is as it was seen, and insert others only then.

The columns and their values come from the models, so that what is written here is what `Model.save` would write.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

from django.db import models

from astra_site.lib.clock import iso_utc
from astra_site.lib.errors import Forbidden
from astra_site.lib.prepared_sql import fetch_one
from astra_site.lib.tenancy import TenantOwned, current_scope


@dataclass(frozen=True, slots=True)
class Insert:
    """A row to insert.

    Args:
        model: whose table it is.
        values: of every column but a serial key, by the name of the column.
        unless: columns of a unique key; where a row has it already, nothing is inserted and nothing raised.
        with_previous: insert it only if the row before it in the list was inserted.
    """

    model: type[TenantOwned]
    values: Mapping[str, Any]
    unless: tuple[str, ...] = ()
    with_previous: bool = False

    def shape(self) -> tuple[type[TenantOwned], tuple[str, ...], bool]:
        """What the statement's text depends on."""
        return self.model, self.unless, self.with_previous

    def as_json(self) -> str:
        """Return the row as one parameter: PostgreSQL turns each value into its column's type, as with a literal.

        Raises `ValueError` unless every column has a value: what a model gives by default is not given here.
        """
        if self.values.keys() != _columns(self.model).keys():
            odd = sorted(self.values.keys() ^ _columns(self.model).keys())
            raise ValueError(f"A row of {self.model.__name__} needs a value for each column: {odd}")
        return _encode(self.values)


def change_and_insert(
    seen: TenantOwned, expected: Sequence[str], changes: Mapping[str, Any], inserts: Sequence[Insert]
) -> bool:
    """Change a row and insert others, all or nothing; False, with nothing done, when the row has changed meanwhile.

    Args:
        seen: the row as it was read; `expected` names the columns that must still have the values it has.
        expected: columns to compare; the key and the tenant are always compared.
        changes: new values, by column.
        inserts: rows of the same scope. `ON CONFLICT` and the order of the inserts are theirs to say.

    A commit of its own, or part of the open transaction. Raises Django's database errors, `Forbidden` for a row outside
    the tenant scope. Signals and `auto_now` fields are not served: the models it is used for have none.
    """
    scope = current_scope()
    if not all(map(scope.allows, (seen.tenant_id, *(insert.values["tenant_id"] for insert in inserts)))):
        raise Forbidden("tenant_mismatch", "This row belongs to another tenant.")
    sql = _statement(type(seen), tuple(changes), tuple(expected), tuple(insert.shape() for insert in inserts))
    guard = [seen.pk, seen.tenant_id, *(getattr(seen, name) for name in expected)]
    found = fetch_one(sql, [*changes.values(), *guard, *(insert.as_json() for insert in inserts)])
    return found is not None and bool(found[0])


@lru_cache(maxsize=64)
def _statement(
    model: type[TenantOwned],
    changed: tuple[str, ...],
    expected: tuple[str, ...],
    inserts: tuple[tuple[type[TenantOwned], tuple[str, ...], bool], ...],
) -> str:
    sets = ", ".join(f'"{name}" = %s' for name in changed)
    same = "".join(f' AND "{name}" IS NOT DISTINCT FROM %s' for name in expected)
    table = model._meta.db_table
    # Names of models and columns alone stand in the text; every value is a parameter.
    parts = [f'won AS (UPDATE "{table}" SET {sets} WHERE "id" = %s AND "tenant_id" = %s{same} RETURNING 1)']  # noqa: S608
    for number, (inserted, unless, with_previous) in enumerate(inserts):
        source = f"i{number - 1}" if with_previous else "won"
        names = [f'"{name}"' for name in _columns(inserted)]
        values = ", ".join(f"r.{name}" for name in names)
        conflict = f" ON CONFLICT ({', '.join(unless)}) DO NOTHING" if unless else ""
        into = f'"{inserted._meta.db_table}"'
        parts.append(
            f"i{number} AS (INSERT INTO {into} ({', '.join(names)}) SELECT {values} "  # noqa: S608
            f"FROM {source}, jsonb_populate_record(NULL::{into}, %s::jsonb) r{conflict} RETURNING 1)"
        )
    return f"WITH {', '.join(parts)} SELECT count(*) FROM won"  # noqa: S608


@lru_cache(maxsize=64)
def _columns(model: type[models.Model]) -> dict[str, None]:
    """Return the columns whose values the program gives, in their order: all but a serial key."""
    fields = (field for field in model._meta.concrete_fields if not isinstance(field, models.AutoField))
    return {str(field.column): None for field in fields}


def _plain(value: object) -> str:
    if isinstance(value, datetime):
        return iso_utc(value)
    if isinstance(value, UUID):
        return str(value)
    raise TypeError(f"{type(value).__name__} is no value of a column that is written this way")


_encode = json.JSONEncoder(default=_plain, separators=(",", ":")).encode
