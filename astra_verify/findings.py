"""What a check can find out, and how the findings are shown."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

INTACT, DISPROVED, UNREADABLE, UNKNOWN_SIGNER = 0, 1, 2, 3
TRUST = "trust"


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
    """The exit code: 1 if a step is disproved or an obligatory one open, 3 if only the signer is unknown, else 0."""
    if any(f.status is Status.DISPROVED or (f.obligatory and f.status is not Status.PROVEN) for f in findings):
        return DISPROVED
    trusted = all(f.status is Status.PROVEN for f in findings if f.name == TRUST)
    return INTACT if trusted else UNKNOWN_SIGNER


def readable(findings: list[Finding]) -> list[str]:
    """The findings as lines for a person."""
    lines = []
    for finding in findings:
        lines.append(f"{finding.number:>2}. [{finding.status.value}] {finding.title}")
        lines.append(f"      {finding.detail}")
    counts = {status: sum(finding.status is status for finding in findings) for status in Status}
    lines += ["", ", ".join(f"{count} {status.value}" for status, count in counts.items()) + ".", _result(findings)]
    return lines


def _result(findings: list[Finding]) -> str:
    code = verdict(findings)
    if code == INTACT:
        return "RESULT: everything obligatory is proven."
    if code == UNKNOWN_SIGNER:
        return "RESULT: intact, but the signer is unknown: give --trusted-key."
    failed = [finding for finding in findings if finding.status is Status.DISPROVED]
    names = ", ".join(f"{finding.number} ({finding.name})" for finding in failed) or "an obligatory step is open"
    return f"RESULT: do NOT rely on this evidence. Failed: {names}."


def printable(text: str, encoding: str | None) -> str:
    """One line as a terminal shows it: what would move the cursor or can't be encoded is written as an escape."""
    safe = "".join(sign if sign.isprintable() else _escaped(sign) for sign in text)
    kind = encoding or "utf-8"
    return safe.encode(kind, "backslashreplace").decode(kind)


def _escaped(sign: str) -> str:
    return ascii(sign)[1:-1]
