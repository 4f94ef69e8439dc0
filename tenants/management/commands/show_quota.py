"""`manage.py show_quota`: where councils stand, as JSON."""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from astra_site.lib.tenancy import tenant_scope
from tenants.management.quota_arguments import council
from tenants.models import Resource, Tenant
from tenants.quota.services import usage_of


class Command(BaseCommand):
    """Print used, reserved, limit and what is left, one line per council and resource."""

    help = "Show the quota of a council, or of all: one line of JSON per council and resource. null means no limit."

    def add_arguments(self, parser: CommandParser) -> None:
        """Which council."""
        parser.add_argument("council", nargs="?", help="short name (slug); all where none is given")

    def handle(self, *args: Any, **options: Any) -> None:
        """Print."""
        tenants = [council(options["council"])] if options["council"] else Tenant.objects.order_by("slug")
        for tenant in tenants:
            with tenant_scope(tenant.id):
                for resource in Resource:
                    self.stdout.write(json.dumps(_line(tenant, resource)))


def _line(tenant: Tenant, resource: Resource) -> dict[str, Any]:
    usage = usage_of(tenant.id, resource)
    standing = usage.standing
    return {
        "council": tenant.slug,
        "resource": str(resource),
        "month": standing.period or None,
        "limit": standing.limit,
        "topped_up": standing.extra,
        "used": standing.used,
        "reserved": usage.held,
        "left": usage.left,
    }
