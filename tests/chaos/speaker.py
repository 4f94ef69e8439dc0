"""A good client: what is not acknowledged is sent again under the same number, until it is."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from random import Random
from typing import Any, TypeVar

from tests.chaos.script import Amendment, Context, Picture, Said, Script, Step, Together
from tests.transports.line import PATIENCE_S, Line, Refused, Site, Unanswered
from tests.transports.table import LINES

GIVE_UP_AFTER_S = 90.0
_FIRST_PAUSE_S = 0.1
_LONGEST_PAUSE_S = 1.0
_POLL_S = 0.7
_Answer = TypeVar("_Answer")


class GaveUp(Exception):
    """The product did not take a call within a time in which every fault was over."""


@dataclass(slots=True)
class Heard:
    """What the clients of a round saw: what was acknowledged and when, and every answer that was none."""

    acknowledged: int = 0
    closed: int = 0
    resent: int = 0
    repeats: int = 0
    troubles: Counter[str] = field(default_factory=Counter)
    answers_s: list[tuple[float, float]] = field(default_factory=list)
    """Begin and end of every call that was answered."""
    changed: Callable[[], None] = lambda: None


@dataclass(slots=True)
class Speaker:
    """One session: its script, what the product acknowledged of it, and what it ended as."""

    site: Site
    script: Script
    transport: str
    random: Random
    heard: Heard
    session_id: str = ""
    acknowledged: dict[int, Said] = field(default_factory=dict)
    amended: dict[int, Said] = field(default_factory=dict)
    pictures: list[Picture] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    blocks_before: list[Mapping[str, Any]] = field(default_factory=list)
    closed: Mapping[str, Any] = field(default_factory=dict)

    async def run(self) -> None:
        """Speak, finalize, wait until the session is closed."""
        body = {"client_timezone": "America/Bogota", "mode": "realtime", "metadata": {"number": self.script.number}}
        started = await self._persist(lambda: self.site.http.call("POST", "/session/start", json=body))
        self.session_id = started["session_id"]
        line = LINES[self.transport](self.site, self.session_id)
        try:
            for step in self.script.steps:
                await self._take(line, step)
        finally:
            await line.close()
        self.blocks_before = await self._settled_blocks()
        self.closed = await self._close()

    async def _take(self, line: Line, step: Step) -> None:
        if isinstance(step, Together):
            await asyncio.gather(*(self._say(line, said) for said in step.inputs))
            for said in step.again:
                if not await self._persist(partial(line.say, said)):
                    self.wrong.append(f"{said.sequence_id} was acknowledged and then taken as new")
            for said in step.refused:
                await self._offer_other_content(line, said)
        elif isinstance(step, Context):
            changes = {"speaker": step.speaker, "topic": step.topic}
            await self._persist(partial(line.set_context, changes))
        elif isinstance(step, Amendment):
            await self._amend(step)
        else:
            await self._show(step)

    async def _say(self, line: Line, said: Said) -> None:
        """Send an input until it is acknowledged; at times the client hangs up first and sends it again."""
        first_try_s = self.random.uniform(0.002, 0.03) if self.random.random() < 0.1 else PATIENCE_S
        try:
            repeated = await line.say(said, within_s=first_try_s)
        except Unanswered as silence:
            self._note(silence)
            repeated = await self._persist(partial(line.say, said))
        self.acknowledged[said.sequence_id] = said
        self.heard.repeats += repeated
        self.heard.acknowledged += 1
        self.heard.changed()

    async def _offer_other_content(self, line: Line, said: Said) -> None:
        try:
            await self._persist(partial(line.say, said))
        except Refused as refusal:
            if refusal.code == "sequence_conflict":
                return
            raise
        self.wrong.append(f"{said.sequence_id} was accepted twice with different content")

    async def _show(self, picture: Picture) -> None:
        path = f"/session/{self.session_id}/upload-asset"
        data = {"caption": picture.marker, "after_sequence_id": str(picture.after_sequence_id)}
        files = {"file": ("image.png", picture.png, "image/png")}
        await self._persist(lambda: self.site.http.call("POST", path, data=data, files=files))
        self.pictures.append(picture)

    async def _amend(self, amendment: Amendment) -> None:
        """Correct a block as soon as it can be: read it, and send the correction of just that until it is answered."""
        said = amendment.said
        deadline = time.monotonic() + GIVE_UP_AFTER_S
        while time.monotonic() < deadline:
            page = await self._blocks()
            block = next((one for one in page["blocks"] if one["block_id"] == f"{said.sequence_id}.0"), None)
            if block is not None and block["status"] == "READY":
                body = {"text": said.text, "revision": block["revision"], "edit_id": amendment.edit_id}
                path = f"/session/{self.session_id}/blocks/{block['block_id']}/edit"
                try:
                    await self._persist(partial(self.site.http.call, "POST", path, json=body))
                except Refused as refusal:
                    if refusal.code not in ("block_changed", "block_processing", "edit_id_reused"):
                        raise
                else:
                    self.amended[said.sequence_id] = said
                    return
            await asyncio.sleep(_POLL_S)
        raise GaveUp(f"{said.sequence_id} could not be corrected within {GIVE_UP_AFTER_S:.0f} s")

    async def _blocks(self) -> Mapping[str, Any]:
        path = f"/session/{self.session_id}/blocks"
        return await self._persist(lambda: self.site.http.call("GET", path, params={"limit": 500}))

    async def _settled_blocks(self) -> list[Mapping[str, Any]]:
        """Return the blocks as the live view shows them when no work is left; what they show last, if it never ends.

        A session that waits for a number that never comes has work left: it is looked at only once.
        """
        deadline = time.monotonic() + GIVE_UP_AFTER_S
        while True:
            page = await self._blocks()
            settled = page["processing_count"] == 0 or self.script.withheld is not None
            if settled or time.monotonic() > deadline:
                return list(page["blocks"])
            await asyncio.sleep(_POLL_S)

    async def _close(self) -> Mapping[str, Any]:
        body = {"accept_gaps": self.script.withheld is not None}
        path = f"/session/{self.session_id}/finalize"
        deadline = time.monotonic() + GIVE_UP_AFTER_S
        while True:
            session = await self._persist(lambda: self.site.http.call("POST", path, json=body))
            if session["state"] == "CLOSED":
                self.heard.closed += 1
                self.heard.changed()
                return session
            if time.monotonic() > deadline:
                raise GaveUp(f"{self.session_id} is still {session['state']}: {session['drain'] or session['failure']}")
            await asyncio.sleep(_POLL_S * self.random.uniform(0.7, 1.3))

    async def _persist(self, call: Callable[[], Awaitable[_Answer]]) -> _Answer:
        """Call again and again until there is an answer; raise `GaveUp` when there is none for too long."""
        deadline = time.monotonic() + GIVE_UP_AFTER_S
        pause_s = _FIRST_PAUSE_S
        while True:
            started = time.monotonic()
            try:
                answer = await call()
            except Unanswered as silence:
                self._note(silence)
                if time.monotonic() > deadline:
                    raise GaveUp(f"no answer for {GIVE_UP_AFTER_S:.0f} s, the last: {silence.why}") from silence
                await asyncio.sleep(max(silence.retry_after_s, pause_s) * self.random.uniform(0.6, 1.0))
                pause_s = min(pause_s * 2, _LONGEST_PAUSE_S)
            else:
                self.heard.answers_s.append((started, time.monotonic()))
                return answer

    def _note(self, silence: Unanswered) -> None:
        self.heard.resent += 1
        self.heard.troubles[silence.why] += 1
        self.heard.changed()
