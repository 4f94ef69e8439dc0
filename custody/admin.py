"""Admin pages of custody: to look at, never to change."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from astra_site.lib.admin import ReadOnlyAdmin, badge, pretty_json, short_hash, whole_hash
from astra_site.lib.session_links import session_link, with_session_number
from custody.models import HeldObject, Snapshot

_PROTECTIONS = {
    "local-readonly": _("read-only folder (weak)"),
    "object-lock-compliance": _("object lock, compliance"),
}


@admin.register(Snapshot)
class SnapshotAdmin(ReadOnlyAdmin):
    """Sealed snapshots."""

    list_display = ["number", "session_page", "hash_start", "created_at", "key_id"]
    list_display_links = ["number"]
    list_filter = ["created_at", "key_id"]
    search_fields = ["session_id", "integrity_hash"]
    ordering = ["-created_at"]
    fieldsets = [
        (None, {"fields": ["number", "session_page", "created_at", "key_id", "parent_snapshot_id"]}),
        (_("Chain of the council"), {"fields": ["whole_integrity_hash", "whole_previous_hash"]}),
        (_("Sealed payload"), {"classes": ["collapse"], "fields": ["payload_text"]}),
    ]
    readonly_fields = ["session_page", "whole_integrity_hash", "whole_previous_hash", "payload_text"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Snapshot]:
        """Read the number of the minutes with the list."""
        return with_session_number(super().get_queryset(request))

    @display(description=_("session"), ordering="session_id")
    def session_page(self, snapshot: Snapshot) -> str:
        """The session that was sealed."""
        return session_link(snapshot)

    @display(description=_("integrity hash"))
    def hash_start(self, snapshot: Snapshot) -> str:
        """The hash as far as eyes compare it."""
        return short_hash(snapshot.integrity_hash)

    @display(description=_("integrity hash"))
    def whole_integrity_hash(self, snapshot: Snapshot) -> str:
        """The hash to compare."""
        return whole_hash(snapshot.integrity_hash)

    @display(description=_("previous snapshot"))
    def whole_previous_hash(self, snapshot: Snapshot) -> str:
        """What this snapshot is chained to."""
        return whole_hash(snapshot.previous_hash) if snapshot.previous_hash else gettext("none: the chain begins here")

    @display(description=_("sealed payload"))
    def payload_text(self, snapshot: Snapshot) -> str:
        """What is signed."""
        return pretty_json(snapshot.payload)


@admin.register(HeldObject)
class HeldObjectAdmin(ReadOnlyAdmin):
    """Recordings in WORM custody."""

    list_display = ["hash_start", "session_page", "size", "protection_badge", "retained_until", "verified_at"]
    list_filter = ["protection", "verified_at"]
    search_fields = ["session_id", "sha256"]
    ordering = ["-verified_at"]
    fields = readonly_fields = [
        "session_page",
        "whole_content_hash",
        "size",
        "store_key",
        "protection_label",
        "retained_until",
        "verified_at",
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[HeldObject]:
        """Read the number of the minutes with the list."""
        return with_session_number(super().get_queryset(request))

    @display(description=_("session"), ordering="session_id")
    def session_page(self, held: HeldObject) -> str:
        """The session that was recorded."""
        return session_link(held)

    @display(description=_("content hash"))
    def hash_start(self, held: HeldObject) -> str:
        """The hash as far as eyes compare it."""
        return short_hash(held.sha256)

    @display(description=_("content hash"))
    def whole_content_hash(self, held: HeldObject) -> str:
        """The hash to compare."""
        return whole_hash(held.sha256)

    @display(description=_("key in the store"))
    def store_key(self, held: HeldObject) -> str:
        """Where the copy lies."""
        return whole_hash(held.worm_key)

    @display(description=_("size"), ordering="size_bytes")
    def size(self, held: HeldObject) -> str:
        """The size in the unit that fits."""
        return filesizeformat(held.size_bytes)

    @display(
        description=_("protection"),
        ordering="protection",
        label={"local-readonly": "warning", "object-lock-compliance": "success"},
    )
    def protection_badge(self, held: HeldObject) -> Any:
        """How strongly the recording is kept; a local folder is the weak way."""
        return held.protection, _PROTECTIONS.get(held.protection, held.protection)

    @display(description=_("protection"))
    def protection_label(self, held: HeldObject) -> str:
        """The same on the detail page."""
        variant = "warning" if held.protection == "local-readonly" else "success"
        return badge(_PROTECTIONS.get(held.protection, held.protection), variant)
