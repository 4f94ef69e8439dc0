"""`manage.py create_council`: a tenant with its skeleton and first published configuration, from files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from astra_site.lib.errors import AstraError
from astra_site.lib.tenancy import tenant_scope
from tenants.models import Skeleton, Tenant
from tenants.services import add_skeleton_version, publish_config


class Command(BaseCommand):
    """Create a council, or bring an existing one up to the given files. Running it twice changes nothing."""

    help = "Create a council (tenant) with its Word skeleton and its first published configuration."

    def add_arguments(self, parser: CommandParser) -> None:
        """Name, skeleton, configuration."""
        parser.add_argument("slug", help="short name, e.g. concejo-quibdo")
        parser.add_argument("--name", required=True)
        parser.add_argument("--skeleton", type=Path, required=True, help="the Word document (.docx)")
        parser.add_argument("--skeleton-code", default="SKEL_STD")
        parser.add_argument("--config", type=Path, required=True, help="the configuration (JSON, astra.config/1)")

    def handle(self, *args: Any, **options: Any) -> None:
        """Do it in one transaction and print the ids as JSON."""
        try:
            docx = options["skeleton"].read_bytes()
            content = json.loads(options["config"].read_text(encoding="utf-8"))
            with transaction.atomic():
                tenant, _ = Tenant.objects.get_or_create(slug=options["slug"], defaults={"name": options["name"]})
                with tenant_scope(tenant.id):
                    skeleton, _ = Skeleton.objects.get_or_create(
                        tenant=tenant,
                        code=options["skeleton_code"],
                        defaults={"name": options["skeleton"].stem, "is_default": True},
                    )
                    version = add_skeleton_version(skeleton, docx)
                    config = publish_config(content)
        except AstraError as error:
            details = "\n".join(f"  - {problem}" for problem in error.details.get("problems", []))  # type: ignore[attr-defined]  # JSON value
            raise CommandError(f"{error.message}\n{details}".rstrip()) from error
        except (OSError, ValueError) as error:
            raise CommandError(f"A file can't be read: {error}") from error
        self.stdout.write(
            json.dumps(
                {
                    "tenant_id": str(tenant.id),
                    "skeleton_id": str(skeleton.id),
                    "skeleton_version": version.number,
                    "config_version": config.number,
                }
            )
        )
