"""The two walls between councils, and how the first is taken away to see whether the second holds alone."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from django.db import connection, models

from astra_site.lib.tenancy import Scope, TenantManager, TenantOwned, all_tenants, current_tenant_id
from astra_site.lib.tenant_wall import owned_tables
from sessions_app.services import accepting


def take_the_first_wall_down(patch: pytest.MonkeyPatch) -> None:
    """Let managers, models and the hot path forget about tenants, as a mistake in each of them would."""

    def unscoped(manager: Any) -> Any:
        return super(TenantManager, manager).get_queryset()

    def unchecked(row: TenantOwned) -> None:
        if row.tenant_id is None:
            row.tenant_id = current_tenant_id()

    patch.setattr(TenantManager, "get_queryset", unscoped)
    patch.setattr(TenantOwned, "check_scope", unchecked)
    patch.setattr(Scope, "allows", lambda scope, tenant_id: True)
    look = accepting._LOOK.replace("AND s.tenant_id = %s", "AND %s::uuid IS NOT NULL")
    assert "s.tenant_id = %s" not in look
    patch.setattr(accepting, "_LOOK", look)


def take_the_second_wall_down(patch: pytest.MonkeyPatch) -> None:
    """Tell every connection that all tenants are seen."""
    patch.setattr("astra_site.lib.scoped_postgresql.base.scope_setting", lambda: "*")


def rows_of(tenant_id: UUID) -> dict[str, str]:
    """A fingerprint of everything that a council has in the database, by table."""
    prints = {}
    with all_tenants(reason="a test looks"), connection.cursor() as cursor:
        for table in sorted(owned_tables()):
            cursor.execute(
                f"SELECT md5(string_agg(t::text, '|' ORDER BY t::text)) FROM {table} t WHERE tenant_id = %s",
                [tenant_id],
            )
            prints[table] = str(cursor.fetchone()[0])
    return prints


def one_of(model: type[models.Model], tenant_id: UUID) -> Any:
    """The key of a row of a council; None where it has none."""
    with all_tenants(reason="a test looks"):
        return model._base_manager.filter(tenant_id=tenant_id).values_list("pk", flat=True).first()
