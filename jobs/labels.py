"""Words and colours for people for what jobs are and what their events say; an unknown name stays itself."""

from __future__ import annotations

from typing import Any, Final

from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from jobs.core.job import JobStatus

STATUS_VARIANTS: Final = {
    JobStatus.QUEUED.value: "info",
    JobStatus.PROCESSING.value: "warning",
    JobStatus.COMPLETED.value: "success",
    JobStatus.FAILED.value: "danger",
}
"""The badge of a job's status (see `astra_site.lib.admin.badge`)."""

_WORDS: Final[dict[str, Any]] = {
    "transcribe_chunk": _("Transcribe a chunk"),
    "transcribe_recording": _("Transcribe a recording"),
    "produce_minutes": _("Produce the minutes"),
    "recover_input": _("Recover an input"),
    "hear_again": _("Transcribe again"),
    "understand_again": _("Make blocks again"),
    "transcribe": _("Transcribe"),
    "publish": _("Make blocks"),
    "write_dump": _("Write the session dump"),
    "build_document": _("Build the document"),
    "hand_over_audio": _("Hand the audio over to custody"),
    "seal": _("Seal the minutes"),
    "look_after_session": _("Look after a session"),
    "understand_waiting": _("Make forgotten blocks"),
    "clean_session": _("Remove temporary audio"),
    "clean_audio": _("Remove what custody holds"),
    # keys and values of a job's events
    "step": _("step"),
    "error_code": _("error code"),
    "attempt": _("attempt"),
    "delay_s": _("wait in seconds"),
    "counted": _("counts as an attempt"),
    "reason": _("reason"),
    "True": _("yes"),
    "False": _("no"),
}


def word_for(name: str | None) -> str:
    """Return the word for a flow, a step or a fact of an event; a dash for none."""
    return str(_WORDS.get(name, name)) if name else "—"


def label_of(name: str | None) -> str:
    """Return the word with the technical name as its title."""
    return format_html('<span title="{}">{}</span>', name or "", word_for(name))
