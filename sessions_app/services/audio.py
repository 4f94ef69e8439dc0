"""Reading the audio of an input, wherever it lies by now."""

from __future__ import annotations

from typing import BinaryIO

from astra_site.lib.errors import NotFound
from astra_site.lib.hashing import Sha256
from astra_site.lib.object_store import Bucket, ObjectMissing, object_store
from custody.worm import held_content, open_held
from sessions_app.models import JournalRow


def read_audio(row: JournalRow) -> BinaryIO:
    """Return a seekable stream on an input's audio, for the caller to close.

    From where it came in; once that was cleaned up, from custody, where it has the hash that the journal recorded. Call
    it in the tenant's scope. Raises `NotFound` (`audio_missing`) for an entry without audio or audio that is nowhere.
    """
    if row.audio_key:
        try:
            return object_store().open(Bucket.AUDIO, row.audio_key)
        except ObjectMissing:
            held = held_content(Sha256.parse(row.audio_sha256))
            if held is not None:
                return open_held(held)
    raise NotFound("audio_missing", "This entry has no audio, or it is not in the object store any more.")
