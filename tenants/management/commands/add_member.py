"""`manage.py add_member`: a person of a council who can sign in to the admin."""

from __future__ import annotations

import getpass
import os
from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError, CommandParser

from astra_site.lib.tenancy import tenant_scope
from tenants.models import Membership, Role, Tenant

PASSWORD_VARIABLE = "ASTRA_MEMBER_PASSWORD"  # noqa: S105 - the name of a variable, not a password


class Command(BaseCommand):
    """Create the user if needed and give the role. The password is never an argument."""

    help = f"Add a person to a council. The password is read from {PASSWORD_VARIABLE} or asked for."

    def add_arguments(self, parser: CommandParser) -> None:
        """Council, user name, role."""
        parser.add_argument("tenant", help="short name (slug) of the council")
        parser.add_argument("username")
        parser.add_argument("--role", choices=Role.values, default=Role.CLERK)

    def handle(self, *args: Any, **options: Any) -> None:
        """Create or update user and membership."""
        tenant = Tenant.objects.filter(slug=options["tenant"]).first()
        if tenant is None:
            raise CommandError(f"There is no tenant {options['tenant']!r}.")
        user, is_new = User.objects.get_or_create(username=options["username"])
        password = os.environ.get(PASSWORD_VARIABLE)
        if is_new or password:
            user.set_password(password or getpass.getpass("Password: "))
        user.is_staff = True
        user.save()
        with tenant_scope(tenant.id):
            Membership.objects.update_or_create(tenant=tenant, user=user, defaults={"role": options["role"]})
        self.stdout.write(f"{user.username} is now {options['role']} of {tenant.name}.")
