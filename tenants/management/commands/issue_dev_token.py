"""`manage.py issue_dev_token`: an access token for development and demonstrations."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from tenants.dev_tokens import issue_dev_token
from tenants.models import Role, Tenant
from tenants.roles import SCOPES_OF_ROLE


class Command(BaseCommand):
    """Print a token for a tenant; refused in production."""

    help = "Print a development access token for a tenant."

    def add_arguments(self, parser: CommandParser) -> None:
        """Tenant, subject, scopes and lifetime."""
        parser.add_argument("tenant", help="short name (slug) of the tenant")
        parser.add_argument("--subject", default="dev-client")
        parser.add_argument("--role", choices=Role.values, default=Role.ADMIN, help="the scopes of this role")
        parser.add_argument("--scopes", nargs="+", help="these scopes, whatever the role")
        parser.add_argument("--ttl-s", type=int, default=3600)

    def handle(self, *args: Any, **options: Any) -> None:
        """Print the token alone, so that a shell can capture it."""
        tenant = Tenant.objects.filter(slug=options["tenant"], is_active=True).first()
        if tenant is None:
            raise CommandError(f"There is no active tenant {options['tenant']!r}.")
        scopes = options["scopes"] or SCOPES_OF_ROLE[options["role"]]
        token = issue_dev_token(tenant.id, subject=options["subject"], scopes=scopes, ttl_s=options["ttl_s"])
        self.stdout.write(token)
