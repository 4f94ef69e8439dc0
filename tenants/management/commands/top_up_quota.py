"""`manage.py top_up_quota`: more AI time or storage for a council."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from astra_site.lib.errors import AstraError
from astra_site.lib.tenancy import tenant_scope
from tenants.management.quota_arguments import add_note, amount, council
from tenants.models import Resource
from tenants.quota.services import top_up
from tenants.quota.units import from_gb, from_hours


class Command(BaseCommand):
    """Enter a top-up in the ledger. With `--reference` it is done once, however often it is run."""

    help = "Add AI time or storage to what a council may use. AI time that is not used up stays for later months."

    def add_arguments(self, parser: CommandParser) -> None:
        """Council, amounts, reason."""
        parser.add_argument("council", help="short name (slug)")
        parser.add_argument("--ai-hours", type=amount, help="hours of audio")
        parser.add_argument("--storage-gb", type=amount, help="gigabytes (10^9 bytes)")
        parser.add_argument("--reference", default="", help="invoice or order: the same one is entered once")
        add_note(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        """Enter all or nothing."""
        tenant = council(options["council"])
        wanted = {
            Resource.AI_MS: None if options["ai_hours"] is None else from_hours(options["ai_hours"]),
            Resource.STORAGE_BYTES: None if options["storage_gb"] is None else from_gb(options["storage_gb"]),
        }
        given = {resource: value for resource, value in wanted.items() if value is not None}
        if not given:
            raise CommandError("Say how much: --ai-hours, --storage-gb, or both.")
        said = {"actor": options["actor"], "note": options["note"], "reference": options["reference"]}
        try:
            with tenant_scope(tenant.id), transaction.atomic():
                for resource, value in given.items():
                    top_up(tenant.id, resource, value, **said)
        except AstraError as error:
            raise CommandError(error.message) from error
        self.stdout.write(f"{tenant.name} was topped up. `manage.py show_quota {tenant.slug}` shows where it stands.")
