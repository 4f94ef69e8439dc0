"""One round: twenty sessions at once, something breaks in the middle, and everything acknowledged has to be there."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import cached_property
from random import Random

import httpx

from astra_verify.signatures import read_trusted_keys
from demo.client import Client
from demo.recorded_session import Chunk
from demo.stack import COUNCIL_SLUG, StackFailed
from tests.chaos.crowd import Crowd
from tests.chaos.faults import FAULTS, MESSAGES_DISTURBED, Scene, disorder_of
from tests.chaos.rig import Rig
from tests.chaos.script import clips
from tests.chaos.speaker import Speaker
from tests.chaos.verdict import Sealed, Verdict, judge
from tests.transports.table import LINES

SESSIONS = 20
FAULT_NAMES = (*FAULTS, MESSAGES_DISTURBED)
_STRIKE_WITHIN_S = 60.0
_SEALS_VERIFIED = 3


@dataclass(slots=True)
class Strike:
    """One fault of a round: when it fell, and when the product answered and all sessions were closed after it."""

    name: str
    moment: str
    began_s: float
    repaired_s: float
    answered_after_s: float | None = None
    closed_after_s: float = 0.0


@dataclass(slots=True)
class Report:
    """What came out of one round."""

    number: int
    seed: int
    planned: int = 0
    acknowledged: int = 0
    resent: int = 0
    repeats: int = 0
    troubles: Counter[str] = field(default_factory=Counter)
    strikes: list[Strike] = field(default_factory=list)
    disturbed: bool = False
    verdict: Verdict = field(default_factory=Verdict)
    took_s: float = 0.0

    @property
    def faults(self) -> list[str]:
        """Names of everything that was done to the product."""
        return [*(strike.name for strike in self.strikes), *([MESSAGES_DISTURBED] if self.disturbed else [])]


@dataclass
class Arena:
    """A running product and what is needed to judge it."""

    rig: Rig
    seed: int
    sessions: int = SESSIONS
    transports: Sequence[str] = tuple(LINES)

    @cached_property
    def token(self) -> str:
        """A client app's token, good for the whole run."""
        return self.rig.manage("issue_dev_token", COUNCIL_SLUG)

    @cached_property
    def keys(self) -> frozenset[bytes]:
        """Whose seal is trusted."""
        path = self.rig.folder / "public_keys.json"
        path.write_text(self.rig.manage("export_public_keys"))
        return read_trusted_keys(path)

    @cached_property
    def heard(self) -> Mapping[str, str]:
        """What the engine hears in each recording when nothing happens: in the chaos it has to be the same."""
        with Client(self.rig.url, self.token) as client:
            session_id = client.start("realtime", {"number": "0"})
            for number, flac in enumerate(clips().values(), start=1):
                client.append(session_id, Chunk(number, flac, 0, 0))
            client.wait(lambda: client.finalize(session_id), lambda session: session["state"] == "CLOSED", 60)
            texts = {block["sequence_id"]: block["text"] for block in client.blocks(session_id)}
        return {name: texts[number] for number, name in enumerate(clips(), start=1)}

    def play(self, number: int, names: Sequence[str]) -> Report:
        """Play one round with these faults; everything that is drawn depends on the seed and the number alone."""
        random = Random(f"{self.seed}:{number}")
        report = Report(number, self.seed, disturbed=MESSAGES_DISTURBED in names)
        crowd = Crowd(
            self.rig, self.token, random, sessions=self.sessions, texts=self.heard, transports=self.transports
        )
        report.planned = crowd.planned
        started_s = time.monotonic()
        with ExitStack() as meanwhile:
            if report.disturbed:
                meanwhile.enter_context(self.rig.disorder(disorder_of(random)))
            crowd.start()
            for name in names:
                if name != MESSAGES_DISTURBED:
                    report.strikes.append(self._strike(name, crowd, random))
            crowd.join()
        ended_s = time.monotonic()
        _note_recovery(report, crowd, ended_s)
        self._judge(crowd, report)
        report.took_s = time.monotonic() - started_s
        return report

    def _strike(self, name: str, crowd: Crowd, random: Random) -> Strike:
        """Wait for a moment that is drawn, in the speeches or in the closing, and let the fault fall."""
        if random.random() < 0.75:
            share = random.uniform(0.1, 0.9)
            moment = f"{share:.0%} acknowledged"
            crowd.wait(lambda heard: heard.acknowledged >= share * crowd.planned, _STRIKE_WITHIN_S)
        else:
            share = random.uniform(0.1, 0.7)
            moment = f"{share:.0%} closed"
            crowd.wait(lambda heard: heard.closed >= share * self.sessions, _STRIKE_WITHIN_S)
        began_s = time.monotonic()
        FAULTS[name](Scene(self.rig, crowd, random))
        return Strike(name, moment, began_s, time.monotonic())

    def _judge(self, crowd: Crowd, report: Report) -> None:
        heard = crowd.heard
        report.acknowledged, report.resent, report.repeats = heard.acknowledged, heard.resent, heard.repeats
        report.troubles = heard.troubles
        report.verdict.wrong += crowd.problems
        if heard.acknowledged != crowd.planned or heard.closed != self.sessions:
            report.verdict.wrong.append(
                f"{crowd.planned - heard.acknowledged} inputs were never acknowledged,"
                f" {self.sessions - heard.closed} sessions never closed"
            )
        report.verdict.wrong += [
            f"{times} answers {why}"
            for why, times in heard.troubles.items()
            if why.startswith("500") or "no_problem_json" in why
        ]
        try:
            self.rig.check_alive()
        except StackFailed as error:
            report.verdict.wrong.append(str(error))
        with httpx.Client(timeout=60, trust_env=False) as files:
            for place, speaker in enumerate(crowd.speakers):
                verdict = self._judge_session(files, speaker, verify=place < _SEALS_VERIFIED)
                report.verdict.lost += verdict.lost
                report.verdict.doubled += verdict.doubled
                report.verdict.wrong += verdict.wrong

    def _judge_session(self, files: httpx.Client, speaker: Speaker, *, verify: bool) -> Verdict:
        """Download the evidence and compare; inputs of a session that never closed count as lost."""
        if not speaker.closed:
            return Verdict(lost=[f"{speaker.session_id}/{number}" for number in speaker.acknowledged])
        path = self.rig.folder / "evidence.zip"
        answer = files.get(speaker.closed["delivery"]["evidence_url"])
        answer.raise_for_status()
        path.write_bytes(answer.content)
        return judge(speaker, Sealed.read(path), path, self.keys if verify else None)


def _note_recovery(report: Report, crowd: Crowd, ended_s: float) -> None:
    """Say how long after each fault the first new call was answered, and all sessions were closed."""
    answers = sorted((end, begin) for begin, end in crowd.heard.answers_s)
    for strike in report.strikes:
        after = [end for end, begin in answers if begin > strike.began_s]
        strike.answered_after_s = after[0] - strike.began_s if after else None
        strike.closed_after_s = max(0.0, ended_s - strike.began_s)


def drawn_faults(seed: int, rounds: int, only: Sequence[str] = ()) -> Iterator[list[str]]:
    """Draw the faults of each round: every one as often as any other, in a third of the rounds a second one beside."""
    random = Random(f"{seed}:faults")
    deck: list[str] = []
    for _ in range(rounds):
        if not deck:
            deck = list(only or FAULT_NAMES)
            random.shuffle(deck)
        drawn = [deck.pop()]
        if drawn == [MESSAGES_DISTURBED] or random.random() < 0.33:
            drawn.append(random.choice([name for name in (only or FAULT_NAMES) if name not in drawn] or drawn))
        yield drawn
