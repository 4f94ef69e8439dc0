"""What the use of a session costs: AI time by what the engine was given, storage by what was accepted."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from typing import Final

from django.db.models import Max, OuterRef, Q, Subquery, Sum

from astra_site.lib.clock import Clock, utc_now
from astra_site.lib.hashing import Sha256
from astra_site.lib.logs import log_context
from astra_site.lib.object_store import Bucket, object_store
from astra_site.lib.tenancy import tenant_scope
from jobs.transcription.engine import SAMPLES_PER_MS, Samples, TranscribeOptions, Transcriber, TranscriptResult
from sessions_app.models import EntryKind, JournalRow, Session, State
from tenants.models import QuotaEntry, QuotaEntryKind, Resource
from tenants.quota.ledger import account_of
from tenants.quota.reconcile import limited_accounts, take_turn
from tenants.quota.reservations import settle
from tenants.quota.services import book_growth

BOOK_LIVE_AUDIO_EVERY: Final = timedelta(minutes=10)


class MeteredTranscriber:
    """A speech engine that counts what it is given, failed clips included."""

    def __init__(self, inner: Transcriber) -> None:
        """Wrap an engine."""
        self._inner = inner
        self._samples = 0

    @property
    def engine(self) -> str:
        """The engine's own name."""
        return self._inner.engine

    @property
    def model(self) -> str:
        """The engine's own model."""
        return self._inner.model

    @property
    def max_clip_s(self) -> float:
        """The engine's own limit."""
        return self._inner.max_clip_s

    @property
    def heard_ms(self) -> int:
        """Speech that the engine was given so far; silence never reaches it."""
        return self._samples // SAMPLES_PER_MS

    def transcribe(self, samples: Samples, options: TranscribeOptions) -> TranscriptResult:
        """Count, and let the engine transcribe."""
        self._samples += len(samples)
        return self._inner.transcribe(samples, options)


def book_live_audio(session: Session, *, clock: Clock = utc_now) -> int:
    """Book the bytes of the chunks that were journaled since the last booking; returns how many.

    Not part of the acknowledgement of a chunk, which is never refused for storage and costs no round trip more: the
    sweeper calls this for sessions that go on, and the start of the production for the rest.
    """

    def grown_since(number: int) -> tuple[int, int]:
        rows = JournalRow.objects.filter(session_id=session.id, kind=EntryKind.AUDIO, number__gt=number)
        found = rows.aggregate(size_bytes=Sum("audio_size_bytes"), last=Max("number"))
        return found["size_bytes"] or 0, found["last"] or number

    return book_growth(
        session.tenant_id,
        Resource.STORAGE_BYTES,
        series=f"audio:{session.id}",
        session_id=session.id,
        grown_since=grown_since,
        clock=clock,
    )


def book_older_files(session: Session, *, clock: Clock = utc_now) -> int:
    """Book recordings and images that were stored before there was a ledger; returns their bytes. Idempotent."""
    before = _storage_used(session)
    rows = JournalRow.objects.filter(session_id=session.id, kind__in=(EntryKind.RECORDING, EntryKind.ASSET))
    for row in rows.order_by("number"):
        if row.kind == EntryKind.RECORDING:
            reference, size_bytes = recording_reference(session, Sha256.parse(row.audio_sha256)), row.audio_size_bytes
        else:
            stored = object_store().head(Bucket.ASSETS, row.payload["key"])
            reference = asset_reference(Sha256.parse(row.payload["sha256"]))
            size_bytes = stored.size_bytes if stored else 0
        settle(
            session.tenant_id,
            Resource.STORAGE_BYTES,
            size_bytes or 0,
            reference=reference,
            session_id=session.id,
            now=clock(),
        )
    return _storage_used(session) - before


def recording_reference(session: Session, content: Sha256) -> str:
    """Name the booking of an uploaded recording."""
    return f"recording:{session.id}:{content.hex}"


def asset_reference(content: Sha256) -> str:
    """Name the booking of an image, which a council stores once."""
    return f"asset:{content.hex}"


def _storage_used(session: Session) -> int:
    return account_of(session.tenant_id, Resource.STORAGE_BYTES).used


def sweep_metering() -> Iterator[Callable[[], object]]:
    """Compare Redis with the ledger, and book the audio of sessions that go on; one of all sweepers in its turn."""
    if not take_turn():
        return
    yield from limited_accounts()
    booked = QuotaEntry.objects.filter(
        session_id=OuterRef("pk"), resource=Resource.STORAGE_BYTES, kind=QuotaEntryKind.SETTLE
    ).order_by("-number")
    rows = Session.objects.exclude(state__in=(State.CLOSED, State.ABANDONED)).annotate(
        booked_at=Subquery(booked.values("recorded_at")[:1])
    )
    due = Q(booked_at__isnull=True) | Q(booked_at__lt=utc_now() - BOOK_LIVE_AUDIO_EVERY)
    for session in rows.filter(due).order_by("id"):
        yield partial(_book, session)


def _book(session: Session) -> None:
    with tenant_scope(session.tenant_id), log_context(tenant_id=session.tenant_id, session_id=session.id):
        book_live_audio(session)
