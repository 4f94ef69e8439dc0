"""`manage.py resume_session`: an abandoned session open again."""

from __future__ import annotations

import getpass
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser

from astra_site.lib.errors import AstraError
from astra_site.lib.tenancy import all_tenants, get_owned, tenant_scope
from sessions_app.models import Session
from sessions_app.services.graveyard import resume_session


class Command(BaseCommand):
    """Resume a session; its journal says who did."""

    help = "Open an abandoned session again, with everything it had."

    def add_arguments(self, parser: CommandParser) -> None:
        """Session, who asks, and whether to go on although what was put away differs from the journal."""
        parser.add_argument("session_id", type=UUID)
        parser.add_argument("--actor", default=f"staff:{getpass.getuser()}", help="who asks; stands in the journal")
        parser.add_argument(
            "--unchecked", action="store_true", help="go on with the journal although what was put away differs"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Resume and say where the session stands."""
        try:
            with all_tenants(reason="an operator names the session"):
                session = get_owned(Session, options["session_id"])
            with tenant_scope(session.tenant_id):
                resumed = resume_session(session.id, actor=options["actor"], unchecked=options["unchecked"])
        except AstraError as error:
            raise CommandError(f"{error.message} ({error.code})") from error
        self.stdout.write(f"{resumed.id}: {resumed.state}, {resumed.journal_length} journal entries")
