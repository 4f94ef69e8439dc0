"""Sessions and their journal: the truth that Redis only mirrors."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from astra_site.lib.clock import utc_now
from astra_site.lib.ids import new_id
from astra_site.lib.tenancy import TenantOwned
from tenants.models import ConfigVersion, SkeletonVersion


class Mode(models.TextChoices):
    """How audio arrives."""

    BATCH = "batch", _("Recording")
    REALTIME = "realtime", _("Live")


class State(models.TextChoices):
    """Where a session stands. Every transition is a compare-and-swap (`sessions_app.services.states`)."""

    OPEN = "OPEN", _("Open")
    DRAINING = "DRAINING", _("Finishing the audio")
    BUILDING = "BUILDING", _("Building the document")
    SEALING = "SEALING", _("Sealing")
    CLOSED = "CLOSED", _("Closed")
    BUILD_FAILED = "BUILD_FAILED", _("Building failed")
    SEAL_FAILED = "SEAL_FAILED", _("Sealing failed")
    ABANDONED = "ABANDONED", _("Abandoned")


class Session(TenantOwned):
    """One council session. What it pins at the start never changes under it.

    `last_activity_at` is the last entry that somebody outside caused, to a minute. `fence` counts the productions of
    the minutes: a producer that was overtaken holds an older number and can write nothing. A clone names what it
    corrects.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    mode = models.CharField(_("mode"), max_length=10, choices=Mode.choices, default=Mode.BATCH)
    state = models.CharField(_("state"), max_length=12, choices=State.choices, default=State.OPEN)
    client_timezone = models.CharField(_("time zone"), max_length=64)
    metadata = models.JSONField(_("metadata"), default=dict, blank=True)
    model_config = models.JSONField(_("speech engine"), default=dict, blank=True)
    config_version = models.ForeignKey(ConfigVersion, on_delete=models.PROTECT, verbose_name=_("configuration"))
    skeleton_version = models.ForeignKey(SkeletonVersion, on_delete=models.PROTECT, verbose_name=_("skeleton"))
    started_by = models.CharField(_("started by"), max_length=200)
    started_at = models.DateTimeField(_("started"))
    state_changed_at = models.DateTimeField(_("last change"))
    last_activity_at = models.DateTimeField(_("last activity"), default=utc_now)
    closed_at = models.DateTimeField(_("closed"), null=True, blank=True)

    journal_length = models.PositiveIntegerField(_("journal entries"), default=0)
    highest_sequence_id = models.PositiveIntegerField(_("highest sequence number"), default=0)
    final_sequence_id = models.PositiveIntegerField(_("final sequence number"), null=True, blank=True)
    accept_gaps = models.BooleanField(_("gaps accepted"), default=False)

    job_id = models.UUIDField(_("job"), null=True, blank=True)
    document_key = models.CharField(max_length=300, default="", blank=True)
    dump_key = models.CharField(max_length=300, default="", blank=True)
    snapshot_id = models.UUIDField(null=True, blank=True)
    integrity_hash = models.CharField(_("integrity hash"), max_length=71, default="", blank=True)
    failure = models.JSONField(_("failure"), null=True, blank=True)

    fence = models.PositiveBigIntegerField(default=0, editable=False)
    parent_session_id = models.UUIDField(_("corrects the session"), null=True, blank=True)
    parent_snapshot_id = models.UUIDField(null=True, blank=True)
    graveyard_key = models.CharField(max_length=300, default="", blank=True)
    cleaned_at = models.DateTimeField(_("temporary audio removed"), null=True, blank=True)

    class Meta(TenantOwned.Meta):
        verbose_name = _("session")
        verbose_name_plural = _("sessions")
        ordering = ["-started_at"]
        indexes = [
            models.Index(fields=["tenant", "state", "-started_at"], name="session_by_state"),
            models.Index(fields=["state", "last_activity_at"], name="session_by_activity"),
        ]

    def __str__(self) -> str:
        number = self.metadata.get("number")
        return str(number) if number else f"{self.started_at:%Y-%m-%d %H:%M}"


class EntryKind(models.TextChoices):
    """What a journal entry records: inputs (what came from outside) and results (what we made of it)."""

    AUDIO = "audio", _("Audio chunk")
    RECORDING = "recording", _("Recording")
    TEXT = "text", _("Text")
    CONTEXT = "context", _("Context")
    ASSET = "asset", _("Image")
    FINALIZE = "finalize", _("Finalization")
    TRANSCRIPT = "transcript", _("Transcript")
    FAILURE = "failure", _("Failure")
    BLOCKS = "blocks", _("Blocks")
    RECOVERED = "recovered", _("Recovered blocks")
    REVIEW = "review", _("Recovery given up")
    EDIT = "edit", _("Correction")
    INHERITED = "inherited", _("Taken from the corrected session")
    ABANDONED = "abandoned", _("Abandoned")
    RESUMED = "resumed", _("Resumed")


SEQUENCED_INPUTS = (EntryKind.AUDIO, EntryKind.RECORDING, EntryKind.TEXT)


class JournalRow(TenantOwned):
    """One append-only entry of a session's journal (a database trigger refuses changes).

    `number` counts from 1 within the session without gaps; `sha256` is the hash of the canonical line that custody
    seals (`custody.journal`).
    """

    # Every key below begins with the session, and nothing asks for a council's rows of all sessions. Indexes of these
    # two columns alone would be taken instead of the keys whenever statistics are old, to read the whole journal.
    tenant = models.ForeignKey("tenants.Tenant", on_delete=models.PROTECT, related_name="+", db_index=False)
    session = models.ForeignKey(Session, on_delete=models.PROTECT, related_name="journal", db_index=False)
    number = models.PositiveIntegerField()
    kind = models.CharField(max_length=12, choices=EntryKind.choices)
    sequence_id = models.PositiveIntegerField(null=True)
    payload = models.JSONField()
    actor = models.CharField(max_length=200, null=True)
    content_sha256 = models.CharField(max_length=71, default="", blank=True)
    sha256 = models.CharField(max_length=71)
    audio_key = models.CharField(max_length=300, default="", blank=True)
    audio_sha256 = models.CharField(max_length=71, default="", blank=True)
    audio_size_bytes = models.PositiveBigIntegerField(null=True)
    audio_media_type = models.CharField(max_length=80, default="", blank=True)
    audio_duration_ms = models.PositiveBigIntegerField(null=True)
    recorded_at = models.DateTimeField()

    sequenced_kinds: ClassVar[tuple[str, ...]] = tuple(str(kind) for kind in SEQUENCED_INPUTS)

    class Meta(TenantOwned.Meta):
        verbose_name = _("journal entry")
        verbose_name_plural = _("journal")
        ordering = ["session", "number"]
        constraints = [
            models.UniqueConstraint(fields=["session", "number"], name="journal_number_once"),
            models.UniqueConstraint(
                fields=["session", "sequence_id"],
                condition=models.Q(kind__in=["audio", "recording", "text", "inherited"]),
                name="journal_one_input_per_sequence",
            ),
            models.UniqueConstraint(
                fields=["session", "sequence_id", "kind"],
                condition=models.Q(kind__in=["transcript", "failure", "blocks", "recovered", "review"]),
                name="journal_one_result_per_sequence",
            ),
            models.UniqueConstraint(
                fields=["session", "content_sha256"],
                condition=models.Q(kind="asset"),
                name="journal_one_asset_per_content",
            ),
        ]
        indexes = [
            # Asked for at every input and correction; the many kinds are found by their sequence number.
            models.Index(
                fields=["session", "kind", "number"],
                condition=models.Q(kind__in=["context", "asset", "edit", "inherited"]),
                name="journal_few_of_a_kind",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.number} · {self.kind}"
