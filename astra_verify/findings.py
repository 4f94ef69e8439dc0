"""What a check can find out, and how the findings are shown."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Status(StrEnum):
    """The three honest answers."""

    PROVEN = "proven"
    DISPROVED = "NOT proven"
    NOT_CHECKABLE = "not checkable offline"


class UnreadableInput(Exception):
    """There is no evidence to judge: the input is missing, hostile or not evidence at all. Exit code 2."""


class Disproved(Exception):
    """A check found a contradiction; the text says which."""


class NotCheckable(Exception):
    """A check can't be made from these files; the text says why."""


@dataclass(frozen=True, slots=True)
class Finding:
    """The outcome of one numbered step."""

    number: int
    name: str
    title: str
    obligatory: bool
    status: Status
    detail: str

    def to_json(self) -> dict[str, object]:
        """For `--json`."""
        return {
            "number": self.number,
            "name": self.name,
            "title": self.title,
            "obligatory": self.obligatory,
            "status": self.status.name.lower(),
            "detail": self.detail,
        }


def verdict(findings: list[Finding]) -> int:
    """0 if every obligatory step is proven and no step is disproved, else 1."""
    bad = any(f.status is Status.DISPROVED or (f.obligatory and f.status is not Status.PROVEN) for f in findings)
    return 1 if bad else 0


def readable(findings: list[Finding]) -> str:
    """The findings as text for a person."""
    lines = []
    for finding in findings:
        lines.append(f"{finding.number:>2}. [{finding.status.value}] {finding.title}")
        lines.append(f"      {finding.detail}")
    failed = [finding for finding in findings if finding.status is Status.DISPROVED]
    open_ = [finding for finding in findings if finding.status is Status.NOT_CHECKABLE]
    proven = len(findings) - len(failed) - len(open_)
    lines.append("")
    lines.append(f"{proven} proven, {len(failed)} NOT proven, {len(open_)} not checkable offline.")
    if verdict(findings) == 0:
        lines.append("RESULT: everything obligatory is proven.")
    else:
        names = ", ".join(f"{finding.number} ({finding.name})" for finding in failed) or "an obligatory step is open"
        lines.append(f"RESULT: do NOT rely on this evidence. Failed: {names}.")
    return "\n".join(lines)
