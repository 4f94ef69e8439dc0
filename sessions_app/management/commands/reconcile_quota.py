"""`manage.py reconcile_quota`: ledger, Redis and what is stored compared in full, and put right."""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from astra_site.lib.errors import Unavailable
from astra_site.lib.tenancy import tenant_scope
from sessions_app.models import Session
from sessions_app.services.metering import book_live_audio, book_older_files
from tenants.management.quota_arguments import council
from tenants.models import Resource, Tenant
from tenants.quota.reconcile import reconcile_account


class Command(BaseCommand):
    """Print one line of JSON for everything that did not agree; nothing printed means that all did."""

    help = "Compute the quota accounts anew from the ledger, book what was stored and never booked, and mend Redis."

    def add_arguments(self, parser: CommandParser) -> None:
        """Which council."""
        parser.add_argument("council", nargs="?", help="short name (slug); all where none is given")

    def handle(self, *args: Any, **options: Any) -> None:
        """Mend one council after the other."""
        tenants = [council(options["council"])] if options["council"] else Tenant.objects.order_by("slug")
        for tenant in tenants:
            with tenant_scope(tenant.id):
                self._mend(tenant)

    def _mend(self, tenant: Tenant) -> None:
        booked = sum(
            book_live_audio(session) + book_older_files(session)
            for session in Session.objects.order_by("id").iterator()
        )
        if booked:
            self._tell(tenant, Resource.STORAGE_BYTES, "storage", {"booked": booked})
        try:
            for resource in Resource:
                for drift in reconcile_account(tenant.id, resource):
                    self._tell(tenant, resource, drift.what, {"found": drift.found, "right": drift.right})
        except Unavailable as error:
            raise CommandError("Redis does not answer: the accounts are right, Redis was not compared.") from error

    def _tell(self, tenant: Tenant, resource: Resource, what: str, facts: dict[str, Any]) -> None:
        self.stdout.write(json.dumps({"council": tenant.slug, "resource": str(resource), "what": what, **facts}))
