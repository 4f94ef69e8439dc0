"""`manage.py set_quota`: what a council may use each month, and store in all."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from astra_site.lib.errors import AstraError
from astra_site.lib.tenancy import tenant_scope
from tenants.management.quota_arguments import add_note, council, limit
from tenants.models import Resource
from tenants.quota.services import set_limit
from tenants.quota.units import from_gb, from_hours

_UNSAID = object()


class Command(BaseCommand):
    """Set limits; they hold at once and for the months that follow."""

    help = "Set what a council may use: AI time a month, storage in all. 'none' takes a limit away."

    def add_arguments(self, parser: CommandParser) -> None:
        """Council, limits, reason."""
        parser.add_argument("council", help="short name (slug)")
        parser.add_argument("--ai-hours-per-month", type=limit, default=_UNSAID, help="hours of audio, or none")
        parser.add_argument("--storage-gb", type=limit, default=_UNSAID, help="gigabytes (10^9 bytes), or none")
        add_note(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        """Set all or nothing."""
        tenant = council(options["council"])
        hours, gigabytes = options["ai_hours_per_month"], options["storage_gb"]
        if hours is _UNSAID and gigabytes is _UNSAID:
            raise CommandError("Say which: --ai-hours-per-month, --storage-gb, or both.")
        said = {"actor": options["actor"], "note": options["note"]}
        try:
            with tenant_scope(tenant.id), transaction.atomic():
                if hours is not _UNSAID:
                    set_limit(tenant.id, Resource.AI_MS, None if hours is None else from_hours(hours), **said)
                if gigabytes is not _UNSAID:
                    bytes_ = None if gigabytes is None else from_gb(gigabytes)
                    set_limit(tenant.id, Resource.STORAGE_BYTES, bytes_, **said)
        except AstraError as error:
            raise CommandError(error.message) from error
        self.stdout.write(f"The limits of {tenant.name} are set.")
