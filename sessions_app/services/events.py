"""What happens in a session, for those who watch: the journal is the numbered list of events, Redis only wakes.

A watcher knows the number of the last entry that it has seen. A message on the session's channel says "look again"; a
lost message is made good by looking every few seconds anyway. So nothing is missed and nothing is told twice, also
when Redis is emptied or down.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from astra_site.lib.errors import Unavailable
from astra_site.lib.redis_client import REDIS_FAILURES, session_redis
from astra_site.lib.tenancy import get_owned
from astra_site.lib.threads import in_thread
from astra_site.lib.wake_ups import wake_ups
from sessions_app.models import EntryKind, JournalRow, Session, State
from sessions_app.projection import PROJECTED_KINDS
from sessions_app.services.projecting import change_of

logger = logging.getLogger(__name__)

LOOK_AGAIN_S = 3.0
_PAGE = 200
_BLOCKS_AT_MOST = 200
_TEXT_CHARS_AT_MOST = 20_000
_HIDDEN = {"words", "before", "after", "core", "key", "dump_key", "model_config"}


@dataclass(frozen=True, slots=True)
class SessionEvent:
    """One thing that happened.

    `number` is the journal entry's number; ask for what follows it to go on after an interruption. A `state` event
    tells a change of the session's state; it has no entry of its own and carries the number of the last one seen.
    `type` is `input`, `transcript`, `blocks`, `edit`, `context`, `failure`, `session` or `state`; `kind` is the
    journal's own word for the entry. Of an entry that is too long for a message only the beginning is told, with
    `is_cut` and, for blocks, `block_count`: read the rest page by page.
    """

    number: int
    type: str
    kind: str
    sequence_id: int | None = None
    payload: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return the event as every transport sends it."""
        return {
            **self.payload,
            "number": self.number,
            "type": self.type,
            "kind": self.kind,
            "sequence_id": self.sequence_id,
        }


def channel_of(session_id: UUID) -> str:
    """Return the name of the channel that wakes a session's watchers."""
    return f"astra:session:{session_id}"


def announce(session_id: UUID) -> None:
    """Wake the watchers of a session. Never raises for Redis: they look again by themselves.

    For a change without an entry: an entry's mirror wakes them itself.
    """
    try:
        session_redis().publish(channel_of(session_id), "")
    except (*REDIS_FAILURES, Unavailable):
        logger.warning("Watchers were not woken: Redis does not answer.")


async def watch(session_id: UUID, after: int = 0) -> AsyncGenerator[SessionEvent, None]:
    """Yield what happened in a session after entry `after`, and then what happens, until it is closed.

    Once all entries that were there are told comes the session's state, and again whenever it changes. Call it in a
    tenant scope, and close the generator (`contextlib.aclosing`): then nothing of it is left. Raises `NotFound` and
    `Forbidden` as `get_owned`.
    """
    last, state = after, ""
    async with wake_ups().of(channel_of(session_id)) as woken:
        while True:
            woken.clear()
            found, state_now = await in_thread(_look, session_id, last)
            for event in found:
                last = event.number
                yield event
            if len(found) == _PAGE:
                continue
            if state_now != state:
                state = state_now
                yield SessionEvent(last, "state", "state", payload={"state": state})
            if state == State.CLOSED:
                return
            # Not `wait_for`: it loses a cancellation that comes together with the event (Python 3.11).
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LOOK_AGAIN_S):
                    await woken.wait()


def _look(session_id: UUID, after: int) -> tuple[list[SessionEvent], str]:
    """Return the next events and the state; the state is read first, so that it is never ahead of the entries."""
    session = get_owned(Session, session_id)
    rows = JournalRow.objects.filter(session_id=session_id, number__gt=after).order_by("number")
    return [event_of(row, session) for row in rows[:_PAGE]], session.state


_TYPES = {
    EntryKind.AUDIO: "input",
    EntryKind.RECORDING: "input",
    EntryKind.TEXT: "input",
    EntryKind.TRANSCRIPT: "transcript",
    EntryKind.BLOCKS: "blocks",
    EntryKind.RECOVERED: "blocks",
    EntryKind.REVIEW: "blocks",
    EntryKind.INHERITED: "blocks",
    EntryKind.ASSET: "blocks",
    EntryKind.EDIT: "edit",
    EntryKind.CONTEXT: "context",
    EntryKind.FAILURE: "failure",
    EntryKind.FINALIZE: "session",
    EntryKind.ABANDONED: "session",
    EntryKind.RESUMED: "session",
}


def event_of(row: JournalRow, session: Session) -> SessionEvent:
    """Return the event that an entry is. What only the product needs is left out.

    Where blocks changed, `blocks` are those that are new or other than before, each with its `order` and `revision`,
    and `removed` the ids of those that are no more: whoever applies every event has what `GET blocks` shows.
    """
    payload = {key: value for key, value in row.payload.items() if key not in _HIDDEN}
    if row.kind == EntryKind.TRANSCRIPT:
        text = " ".join(item["text"] for item in row.payload["utterances"])
        payload = {"text": text[:_TEXT_CHARS_AT_MOST]} | ({"is_cut": True} if len(text) > _TEXT_CHARS_AT_MOST else {})
    elif row.kind in PROJECTED_KINDS:
        change = change_of(session, row)
        blocks = [dict(block) for block in change.blocks[:_BLOCKS_AT_MOST]]
        payload |= {"blocks": blocks, "removed": list(change.removed)}
        if len(change.blocks) > _BLOCKS_AT_MOST:
            payload |= {"block_count": len(change.blocks), "is_cut": True}
    if row.kind == EntryKind.EDIT:
        payload["actor"] = row.actor
    return SessionEvent(row.number, _TYPES[EntryKind(row.kind)], row.kind, row.sequence_id, payload)
