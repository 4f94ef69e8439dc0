"""Admin pages of custody: to look at, never to change."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from astra_site.lib.admin import ReadOnlyAdmin
from custody.models import HeldObject, Snapshot


@admin.register(Snapshot)
class SnapshotAdmin(ReadOnlyAdmin):
    """Sealed snapshots."""

    list_display = ["number", "session_id", "short_hash", "created_at", "key_id"]
    list_display_links = ["number", "session_id"]
    list_filter = ["created_at", "key_id"]
    search_fields = ["session_id", "integrity_hash"]
    ordering = ["-created_at"]
    fields = readonly_fields = [
        "number",
        "session_id",
        "integrity_hash",
        "previous_hash",
        "parent_snapshot_id",
        "created_at",
        "key_id",
        "payload",
    ]

    @display(description=_("integrity hash"))
    def short_hash(self, snapshot: Snapshot) -> str:
        """The hash as far as eyes compare it."""
        return f"{snapshot.integrity_hash[:23]}…"


@admin.register(HeldObject)
class HeldObjectAdmin(ReadOnlyAdmin):
    """Recordings in WORM custody."""

    list_display = ["session_id", "short_hash", "size_bytes", "protection_badge", "retained_until", "verified_at"]
    list_filter = ["protection", "verified_at"]
    search_fields = ["session_id", "sha256"]
    ordering = ["-verified_at"]
    fields = readonly_fields = [
        "session_id",
        "sha256",
        "size_bytes",
        "worm_key",
        "protection",
        "retained_until",
        "verified_at",
    ]

    @display(description=_("content hash"))
    def short_hash(self, held: HeldObject) -> str:
        """The hash as far as eyes compare it."""
        return f"{held.sha256[:23]}…"

    @display(description=_("protection"), label={"local-readonly": "warning", "object-lock-compliance": "success"})
    def protection_badge(self, held: HeldObject) -> Any:
        """How strongly the recording is kept; a local folder is the weak way."""
        return held.protection
