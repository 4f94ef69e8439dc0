"""Custody rows. Snapshots and held recordings are append-only: triggers in the database refuse everything but INSERT.

Sessions live in a higher layer, so they are named by id here, without a foreign key.
"""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from astra_site.lib.hashing import Sha256
from astra_site.lib.ids import new_id
from astra_site.lib.tenancy import TenantOwned
from custody.audit_report import HeldAudio
from custody.chain import ChainPosition, SignedSnapshot

_HASH_LENGTH = 71


class ChainHead(TenantOwned):
    """The end of a tenant's chain of snapshots; locked while one is appended, so that there is one chain only."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    number = models.PositiveIntegerField(default=0)
    head_hash = models.CharField(max_length=_HASH_LENGTH, default="", blank=True)

    class Meta(TenantOwned.Meta):
        constraints = [models.UniqueConstraint(fields=["tenant"], name="one_chain_per_tenant")]

    def __str__(self) -> str:
        return f"{self.number} · {self.head_hash[:19]}"

    def next_position(self) -> ChainPosition:
        """The place of the snapshot that is appended next."""
        return ChainPosition(self.number + 1, Sha256.parse(self.head_hash) if self.number else None)


class Snapshot(TenantOwned):
    """A sealed session: the signed payload, and where the document and its evidence lie (bucket `DOCUMENTS`)."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    session_id = models.UUIDField(_("session"))
    parent_snapshot_id = models.UUIDField(_("corrects"), null=True, blank=True)
    number = models.PositiveIntegerField(_("number"))
    payload = models.JSONField(_("sealed payload"))
    integrity_hash = models.CharField(_("integrity hash"), max_length=_HASH_LENGTH, unique=True)
    previous_hash = models.CharField(_("previous snapshot"), max_length=_HASH_LENGTH, default="", blank=True)
    signature = models.BinaryField(_("signature"))
    key_id = models.CharField(_("signing key"), max_length=60)
    public_key = models.BinaryField(_("public key"))
    document_key = models.CharField(_("document"), max_length=300)
    evidence_key = models.CharField(_("evidence"), max_length=300)
    created_at = models.DateTimeField(_("sealed"))

    class Meta(TenantOwned.Meta):
        verbose_name = _("sealed snapshot")
        verbose_name_plural = _("sealed snapshots")
        ordering = ["-created_at"]
        constraints = [
            models.UniqueConstraint(fields=["tenant", "number"], name="snapshot_number_once_per_tenant"),
            models.UniqueConstraint(fields=["tenant", "session_id"], name="session_sealed_once"),
        ]

    def __str__(self) -> str:
        return f"#{self.number} · {self.integrity_hash[:19]}…"

    @property
    def signed(self) -> SignedSnapshot:
        """The row as the pure part knows it."""
        return SignedSnapshot(
            payload=self.payload,
            integrity_hash=Sha256.parse(self.integrity_hash),
            key_id=self.key_id,
            public_key=bytes(self.public_key),
            signature=bytes(self.signature),
        )


class HeldObject(TenantOwned):
    """A recording in WORM custody, its copy read back and compared. One row per session and content."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    session_id = models.UUIDField(_("session"))
    source_key = models.CharField(max_length=700)
    worm_key = models.CharField(max_length=700)
    worm_version_id = models.CharField(max_length=200, default="", blank=True)
    sha256 = models.CharField(_("content hash"), max_length=_HASH_LENGTH)
    size_bytes = models.PositiveBigIntegerField(_("size in bytes"))
    protection = models.CharField(_("protection"), max_length=60)
    retained_until = models.DateTimeField(_("kept until"))
    verified_at = models.DateTimeField(_("verified"))

    class Meta(TenantOwned.Meta):
        verbose_name = _("recording in custody")
        verbose_name_plural = _("recordings in custody")
        constraints = [
            models.UniqueConstraint(fields=["tenant", "session_id", "sha256"], name="recording_held_once_per_session")
        ]

    def __str__(self) -> str:
        return f"{self.sha256[:19]}… · {self.protection}"

    @property
    def version_id(self) -> str | None:
        """The version that was read back and protected; None in a store without versions."""
        return self.worm_version_id or None

    def as_record(self) -> HeldAudio:
        """The row as the audit report knows it."""
        return HeldAudio(
            sha256=Sha256.parse(self.sha256),
            size_bytes=self.size_bytes,
            key=self.worm_key,
            version_id=self.version_id,
            protection=self.protection,
            retained_until=self.retained_until,
            verified_at=self.verified_at,
        )
