"""The inputs of one socket on their way into the journal: numbered, accepted, acknowledged."""

from __future__ import annotations

from uuid import UUID

from django.conf import settings

from sessions_app.errors import InputTooLarge
from sessions_app.realtime.answers import Answer, ack_frame
from sessions_app.realtime.frames import Audio, Text
from sessions_app.services.inputs import MAX_SEQUENCE_JUMP, Captured, append_audio, append_text


class Intake:
    """Knows which number an input has that names none. Nothing here outlives the socket."""

    def __init__(self, session_id: UUID, actor: str, highest_sequence_id: int) -> None:
        self._session_id, self._actor = session_id, actor
        self.next_sequence_id = highest_sequence_id + 1

    def number(self, given: int | None) -> int:
        """Return the number of an input: the given one, else the one after the highest that this socket knows.

        A number that will be refused as too far does not count: it would take those without a number with it.
        """
        number = self.next_sequence_id if given is None else given
        if number < self.next_sequence_id + MAX_SEQUENCE_JUMP:
            self.next_sequence_id = max(self.next_sequence_id, number + 1)
        return number

    def accept_audio(self, number: int, header: Audio, audio: bytes) -> Answer:
        """Accept a chunk and return its acknowledgement. Raises as `append_audio`, and `InputTooLarge`."""
        if len(audio) > settings.MAX_CHUNK_BYTES:
            raise InputTooLarge(
                "chunk_too_large",
                f"At most {settings.MAX_CHUNK_BYTES} bytes are accepted here.",
                details={"limit_bytes": settings.MAX_CHUNK_BYTES},
            )
        captured = Captured(header.captured_at, header.duration_ms)
        accepted = append_audio(self._session_id, sequence_id=number, audio=audio, captured=captured, actor=self._actor)
        return ack_frame(accepted, header.id)

    def accept_text(self, number: int, frame: Text) -> Answer:
        """Accept typed text and return its acknowledgement. Raises as `append_text`."""
        captured = Captured(frame.captured_at, frame.duration_ms)
        accepted = append_text(
            self._session_id, sequence_id=number, text=frame.text, captured=captured, actor=self._actor
        )
        return ack_frame(accepted, frame.id)
