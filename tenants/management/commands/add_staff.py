"""`manage.py add_staff`: a person of the platform, who sees every council."""

from __future__ import annotations

import getpass
import os
from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandParser

from tenants.management.commands.add_member import PASSWORD_VARIABLE


class Command(BaseCommand):
    """Create or update a superuser. The password is never an argument."""

    help = f"Add a person of the platform (superuser). The password is read from {PASSWORD_VARIABLE} or asked for."

    def add_arguments(self, parser: CommandParser) -> None:
        """User name."""
        parser.add_argument("username")

    def handle(self, *args: Any, **options: Any) -> None:
        """Create or update the user."""
        user, _ = User.objects.get_or_create(username=options["username"])
        user.set_password(os.environ.get(PASSWORD_VARIABLE) or getpass.getpass("Password: "))
        user.is_staff = user.is_superuser = True
        user.save()
        self.stdout.write(f"{user.username} is now staff of the platform.")
