"""What a session's admin page shows below its fields: pages of blocks, of jobs, of the journal.

A session can have tens of thousands of entries, so every panel reads one page and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import ceil
from typing import Any, Final
from zoneinfo import ZoneInfo

from django.db.models import QuerySet
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.text import Truncator
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from astra_site.lib.admin import badge, short_hash
from astra_site.lib.error_texts import explain_code
from jobs.labels import STATUS_VARIANTS, label_of, word_for
from jobs.models import Job
from sessions_app.models import EntryKind, JournalRow, Session
from sessions_app.services.buffering import read_page

PAGE_SIZE: Final = 50
_TEXT_CHARS: Final = 300
_UNSURE: Final = 0.6
_BLOCK_STATUS: Final[dict[str, tuple[Any, str]]] = {
    "PROCESSING": (_("in process"), "info"),
    "READY": (_("ready"), "success"),
    "PENDING": (_("pending"), "warning"),
    "ERROR_PENDING_REVIEW": (_("not transcribed"), "danger"),
}
_BLOCK_TYPES: Final[dict[str, Any]] = {
    "TEXT": _("Text"),
    "TABLE": _("Table"),
    "IMAGE": _("Image"),
    "SYSTEM_NOTE": _("System note"),
    "AUDIO_PENDING": _("Pending audio"),
}


_OPERATIONS: Final[dict[str, Any]] = {
    "edit": _("edited"),
    "split": _("cut in two:"),
    "merge": _("put together:"),
    "move": _("moved:"),
    "retype": _("classified anew:"),
    "restrict": _("restriction changed:"),
}


@dataclass(frozen=True, slots=True)
class Panel:
    """One page of a list: `headers` and `rows` for the table, and where the page lies."""

    headers: list[Any]
    rows: list[list[Any]]
    page: int
    page_count: int
    total: int
    empty_text: str

    @property
    def table(self) -> dict[str, list[Any]]:
        """The table as the template's component takes it."""
        return {"headers": self.headers, "rows": self.rows}

    @property
    def previous_page(self) -> int | None:
        """The page before, None on the first one."""
        return self.page - 1 if self.page > 1 else None

    @property
    def next_page(self) -> int | None:
        """The page after, None on the last one."""
        return self.page + 1 if self.page < self.page_count else None


def blocks_panel(session: Session, page: int) -> Panel:
    """Return a page of the session's blocks, in the order of the document."""
    found = read_page(session, (page - 1) * PAGE_SIZE, PAGE_SIZE)
    headers = [_("Place"), _("Audio"), _("What it is"), _("Speaker"), _("Text"), _("Confidence"), _("Status")]
    rows = [_block_cells(block) for block in found.blocks]
    empty = gettext("There are no blocks yet: they appear as the inputs are transcribed and understood.")
    return _panel(headers, rows, page, found.slot_count, empty)


def journal_panel(session: Session, page: int) -> Panel:
    """Return a page of the journal, newest entries first. Numbers have no gaps, so a page is a range of numbers."""
    last = session.journal_length - (page - 1) * PAGE_SIZE
    entries = JournalRow.objects.filter(session_id=session.id, number__gt=last - PAGE_SIZE, number__lte=last)
    headers = [_("No."), _("What"), _("Sequence"), _("Recorded"), _("By"), _("Content"), _("Hash")]
    zone = ZoneInfo(session.client_timezone)
    rows = [
        [
            entry.number,
            entry.get_kind_display(),
            entry.sequence_id or "—",
            _unbroken(f"{entry.recorded_at.astimezone(zone):%Y-%m-%d %H:%M:%S}"),
            _unbroken(entry.actor or gettext("the system")),
            _summary(entry),
            short_hash(entry.sha256),
        ]
        for entry in entries.order_by("-number")
    ]
    return _panel(headers, rows, page, session.journal_length, gettext("The journal is empty."))


def jobs_panel(session: Session, page: int) -> Panel:
    """Return a page of the session's jobs, newest first, each with a link to its own page."""
    jobs: QuerySet[Job] = Job.objects.filter(session_id=session.id).order_by("-created_at", "-id")
    first = (page - 1) * PAGE_SIZE
    headers = [_("Job"), _("Status"), _("Step"), _("Sequence"), _("Failed attempts"), _("Created"), _("Error")]
    rows = [
        [
            format_html(
                '<a class="underline" href="{}">{}</a>',
                reverse("admin:jobs_job_change", args=[job.pk]),
                word_for(job.flow),
            ),
            badge(job.get_status_display(), STATUS_VARIANTS.get(job.status, "")),
            label_of(job.current_step),
            job.payload.get("sequence_id") or "—",
            job.attempts,
            date_format(job.created_at.astimezone(ZoneInfo(session.client_timezone)), "DATETIME_FORMAT"),
            job.error_code or "—",
        ]
        for job in jobs[first : first + PAGE_SIZE]
    ]
    return _panel(headers, rows, page, jobs.count(), gettext("No work was asked for yet."))


PANELS: Final[dict[str, tuple[Any, Callable[[Session, int], Panel]]]] = {
    "blocks": (_("Blocks"), blocks_panel),
    "jobs": (_("Jobs"), jobs_panel),
    "journal": (_("Journal"), journal_panel),
}


def clock_time(ms: int) -> str:
    """Return a position in the audio as h:mm:ss."""
    seconds = ms // 1000
    return f"{seconds // 3600}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"


def _panel(headers: list[Any], rows: list[list[Any]], page: int, total: int, empty: str) -> Panel:
    return Panel(headers, rows, page, max(1, ceil(total / PAGE_SIZE)), total, empty)


def _block_cells(block: Mapping[str, Any]) -> list[Any]:
    audio = block["audio"]
    status, variant = _BLOCK_STATUS.get(block["status"], (block["status"], ""))
    kind = block["label"] or str(_BLOCK_TYPES.get(block["type"], block["type"]))
    where = block["target_placeholder"] or ""
    data = block["data"] or {}
    text = block["text"] or data.get("caption") or (explain_code(data["error_code"]) if "error_code" in data else "")
    marks = [badge(status, variant)]
    if block["needs_review"] and block["status"] == "READY":
        marks = [badge(_("to be reviewed"), "warning")]
    if block["restricted"]:
        marks.append(badge(_("restricted"), "info"))
    return [
        block["block_id"],
        clock_time(audio["session_start_ms"]) if audio else "—",
        format_html('<span class="whitespace-nowrap" title="{}">{}</span>', where, kind),
        _unbroken(block["speaker"] or "—"),
        format_html('<span title="{}">{}</span>', text, Truncator(text).chars(_TEXT_CHARS)),
        _confidence(block["confidence"]),
        format_html(" ".join(["{}"] * len(marks)), *marks),
    ]


def _unbroken(text: str) -> str:
    return format_html('<span class="whitespace-nowrap">{}</span>', Truncator(text).chars(40))


def _confidence(value: float | None) -> str:
    if value is None:
        return "—"
    return badge(f"{value:.0%}", "warning") if value < _UNSURE else f"{value:.0%}"


def _corrected(payload: Mapping[str, Any]) -> str:
    """Say what a correction did to which blocks, and how they read now."""
    blocks = ", ".join(block["block_id"] for block in payload["before"])
    words = " / ".join(block["text"] for block in payload["after"])
    return f"{_OPERATIONS[payload['operation']]} {blocks} → {words}"


def _summary(entry: JournalRow) -> str:
    """Say in one line what an entry holds."""
    payload = entry.payload
    if entry.audio_size_bytes is not None:
        seconds = f"{(entry.audio_duration_ms or 0) / 1000:.1f}"
        return gettext("%(seconds)s s of audio, %(kilobytes)d kB, %(type)s") % {
            "seconds": seconds,
            "kilobytes": entry.audio_size_bytes // 1000,
            "type": entry.audio_media_type,
        }
    if entry.kind == EntryKind.TRANSCRIPT:
        text = " ".join(item["text"] for item in payload["utterances"])
    elif entry.kind == EntryKind.BLOCKS:
        text = ", ".join(dict.fromkeys(block["label"] or block["type"] for block in payload["blocks"]))
    elif entry.kind == EntryKind.EDIT:
        text = _corrected(payload)
    elif entry.kind == EntryKind.INHERITED:
        text = " ".join(block["text"] for block in payload.get("blocks", ()))
    elif entry.kind == EntryKind.CONTEXT:
        said = (
            payload["speaker"],
            payload["topic"],
            payload["zone"],
            gettext("restricted") if payload["restricted"] else "",
        )
        text = " · ".join(part for part in said if part)
    else:
        text = payload.get("text") or payload.get("caption") or payload.get("message") or ""
    return Truncator(text).chars(_TEXT_CHARS) or "—"
