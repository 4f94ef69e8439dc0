"""`manage.py rebuild_session`: a session's buffer anew from its journal, or compared with it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser

from astra_site.lib.errors import AstraError
from astra_site.lib.tenancy import all_tenants, get_owned, tenant_scope
from sessions_app.models import Session, State
from sessions_app.services.buffer_care import BufferReport, compare_buffer
from sessions_app.services.buffering import rebuild_buffer

_LISTED = 20


class Command(BaseCommand):
    """Rebuild buffers, or say in what they differ from the journal. The journal is never changed."""

    help = "Rebuild a session's buffer in Redis from its journal; with --check only say in what they differ."

    def add_arguments(self, parser: CommandParser) -> None:
        """One session, or all that are open."""
        which = parser.add_mutually_exclusive_group(required=True)
        which.add_argument("session_id", nargs="?", type=UUID)
        which.add_argument("--all-open", action="store_true", help="every session that is open or draining")
        parser.add_argument("--check", action="store_true", help="compare only; exit status 1 where they differ")

    def handle(self, *args: Any, **options: Any) -> None:
        """Print one line a session, and its differences below."""
        differing = 0
        for session in _sessions(options["session_id"]):
            try:
                with tenant_scope(session.tenant_id):
                    before = compare_buffer(session)
                    if not options["check"]:
                        rebuild_buffer(session)
            except AstraError as error:
                raise CommandError(f"{session.id}: {error.message}") from error
            differing += not before.is_equal
            self._report(session, before, is_rebuilt=not options["check"])
        if options["check"] and differing:
            raise CommandError(f"{differing} buffers differ from their journal.", returncode=1)

    def _report(self, session: Session, found: BufferReport, *, is_rebuilt: bool) -> None:
        counts = f"{found.entry_count} entries, {found.slot_count} slots, {found.block_count} blocks"
        standing = "rebuilt; it was " * is_rebuilt + ("equal" if found.is_equal else "different")
        self.stdout.write(f"{session.id}: {counts}, {found.processing_count} in work: {standing}")
        if found.unseen_entry_count:
            self.stdout.write(f"  entries not seen: {found.unseen_entry_count}")
        for word, names in (("missing", found.missing), ("surplus", found.surplus), ("different", found.different)):
            if names:
                more = f" and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
                self.stdout.write(f"  {word} blocks: {', '.join(names[:_LISTED])}{more}")
        if found.is_other_order:
            self.stdout.write("  the order is another")


def _sessions(session_id: UUID | None) -> Iterator[Session]:
    with all_tenants(reason="an operator names a session, or asks for all open ones"):
        if session_id is not None:
            try:
                yield get_owned(Session, session_id)
            except AstraError as error:
                raise CommandError(error.message) from error
            return
        ids = Session.objects.filter(state__in=(State.OPEN, State.DRAINING)).order_by("id").values_list("id", flat=True)
        for found in list(ids):
            yield Session.objects.get(pk=found)
