"""Twenty sessions at the same time, in a thread of their own, so that whoever breaks things has the main thread.

(The embedded servers end with the thread that started them.)
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from random import Random

import httpx

from tests.chaos.rig import Rig
from tests.chaos.script import write_script
from tests.chaos.speaker import Heard, Speaker
from tests.transports.line import Http, Site, grpc_target_of

_CALL_TIMEOUT = httpx.Timeout(15.0, connect=2.0)


class Crowd:
    """The clients of one round."""

    def __init__(
        self,
        rig: Rig,
        token: str,
        random: Random,
        *,
        sessions: int,
        texts: Mapping[str, str],
        transports: Sequence[str],
    ) -> None:
        self._rig = rig
        self._token = token
        self.heard = Heard(changed=self._tell)
        self._changed = threading.Condition()
        self.problems: list[str] = []
        scripts = [write_script(random, f"{number:03d}", texts) for number in range(1, sessions + 1)]
        seeds = [random.random() for _ in scripts]
        self.planned = sum(len(script.inputs) for script in scripts)
        self._thread = threading.Thread(target=self._speak, name="crowd", daemon=True)
        self._made = [
            (script, transports[place % len(transports)], seed)
            for place, (script, seed) in enumerate(zip(scripts, seeds, strict=True))
        ]
        self.speakers: list[Speaker] = []

    def start(self) -> None:
        """Let everybody speak."""
        self._thread.start()

    def wait(self, condition: Callable[[Heard], bool], within_s: float) -> bool:
        """Return once the condition holds, the crowd is done, or time is up; says whether the condition held."""
        deadline = time.monotonic() + within_s
        with self._changed:
            while not condition(self.heard) and self._thread.is_alive() and time.monotonic() < deadline:
                self._changed.wait(timeout=0.1)
        return condition(self.heard)

    def join(self) -> None:
        """Return when every session has ended, well or not."""
        self._thread.join()

    def _tell(self) -> None:
        with self._changed:
            self._changed.notify_all()

    def _speak(self) -> None:
        """Run the sessions. A crowd that breaks off is a round that failed, never one that found nothing."""
        try:
            asyncio.run(self._run())
        except BaseException as error:
            self.problems.append(f"the crowd broke off: {error!r}")
            raise

    async def _run(self) -> None:
        limits = httpx.Limits(max_connections=64, max_keepalive_connections=32)
        headers = {"Authorization": f"Bearer {self._token}"}
        async with httpx.AsyncClient(
            base_url=self._rig.url, headers=headers, timeout=_CALL_TIMEOUT, limits=limits, trust_env=False
        ) as client:
            site = Site(self._rig.url, grpc_target_of(self._rig), self._token, Http(client))
            for script, transport, seed in self._made:
                self.speakers.append(Speaker(site, script, transport, Random(seed), self.heard))
            ended = await asyncio.gather(*(speaker.run() for speaker in self.speakers), return_exceptions=True)
            await site.close()
        for speaker, outcome in zip(self.speakers, ended, strict=True):
            if isinstance(outcome, BaseException):
                self.problems.append(f"{speaker.session_id} ({speaker.transport}): {outcome!r}")
