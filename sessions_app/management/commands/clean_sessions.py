"""`manage.py clean_sessions`: the temporary audio of closed sessions, removed as far as custody holds it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser

from astra_site.lib.clock import utc_now
from astra_site.lib.errors import AstraError
from astra_site.lib.tenancy import all_tenants, get_owned, tenant_scope
from sessions_app.models import Session
from sessions_app.services.cleaning import CleaningReport, clean_session, due_sessions


class Command(BaseCommand):
    """Clean now what the sweeper would clean by and by, or say what would go."""

    help = "Remove temporary audio that custody holds: of the sessions that are due, or of those named."

    def add_arguments(self, parser: CommandParser) -> None:
        """Which sessions, and how far to go."""
        parser.add_argument("session_ids", nargs="*", type=UUID, help="closed sessions, due or not; default: all due")
        parser.add_argument("--dry-run", action="store_true", help="verify and list, remove nothing")
        parser.add_argument(
            "--unused-uploads",
            action="store_true",
            help="remove also uploads that never became an input, which custody does not hold",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Print a line a session and one for each object that is kept; fail where an input's audio is not held."""
        problems = 0
        for session in _sessions(options["session_ids"]):
            try:
                with tenant_scope(session.tenant_id):
                    report = clean_session(
                        session, dry_run=options["dry_run"], unused_uploads=options["unused_uploads"]
                    )
            except AstraError as error:
                raise CommandError(f"{session.id}: {error.message} ({error.code})") from error
            problems += len(report.problems)
            self._print(session, report, is_dry_run=options["dry_run"])
        if problems:
            raise CommandError(f"{problems} objects are kept although they are inputs: custody does not hold them.")

    def _print(self, session: Session, report: CleaningReport, *, is_dry_run: bool) -> None:
        verb = "would be removed" if is_dry_run else "removed"
        self.stdout.write(f"{session.id}: {len(report.removed)} objects ({report.removed_bytes} bytes) {verb}")
        for key, code in report.kept:
            self.stdout.write(f"  kept: {key} ({code})")


def _sessions(session_ids: list[UUID]) -> list[Session]:
    with all_tenants(reason="an operator cleans every council's closed sessions"):
        if not session_ids:
            return list(due_sessions(utc_now()).order_by("closed_at"))
        try:
            return [get_owned(Session, session_id) for session_id in session_ids]
        except AstraError as error:
            raise CommandError(f"{error.message} ({error.code})") from error
