"""Whether a token's tenant may still work; the app that owns tenants says which may."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from django.core.exceptions import ImproperlyConfigured

_checks: list[Callable[[UUID], bool]] = []


def register_active_tenant_check(check: Callable[[UUID], bool]) -> None:
    """Say how to find out whether a tenant exists and is active, once per process, from `AppConfig.ready`."""
    _checks[:] = [check]


def is_active_tenant(tenant_id: UUID) -> bool:
    """Say whether the tenant exists and is active now. Raises `ImproperlyConfigured` while nobody can tell."""
    if not _checks:
        raise ImproperlyConfigured("No app has registered which tenants are active (register_active_tenant_check).")
    return _checks[0](tenant_id)
