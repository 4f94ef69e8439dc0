"""When each word was spoken, as far as a transcript says so."""

from __future__ import annotations

from astra_site.lib.tenancy import get_owned
from sessions_app.models import EntryKind, JournalRow, Session


def word_times(session: Session, sequence_id: int, audio_sha256: str) -> list[tuple[int, int]]:
    """Return start and end of every word of an input in milliseconds inside its recording; empty if nobody wrote them.

    What a clone has inherited was heard in the session that it corrects, so the transcript is looked for there.
    """
    here: Session | None = session
    while here is not None:
        rows = JournalRow.objects.filter(session_id=here.id, sequence_id=sequence_id)
        heard: JournalRow | None = rows.filter(kind=EntryKind.TRANSCRIPT).first()
        if heard is not None:
            of_this_audio = rows.filter(audio_sha256=audio_sha256).exists()
            return _times(heard) if of_this_audio else []
        here = get_owned(Session, here.parent_session_id) if here.parent_session_id else None
    return []


def _times(transcript: JournalRow) -> list[tuple[int, int]]:
    utterances = transcript.payload["utterances"]
    return [(word[1], word[2]) for utterance in utterances for word in utterance.get("words", ())]
