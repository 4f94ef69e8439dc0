"""The values that go in and out of the understanding engine. All are frozen and free of Django."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any, Self, TypedDict


class Intent(StrEnum):
    """What an utterance does in the session."""

    OPEN_SESSION = "OPEN_SESSION"
    ROLL_CALL = "ROLL_CALL"
    AGENDA = "AGENDA"
    PROPOSITION = "PROPOSITION"
    VOTE = "VOTE"
    FLOOR_GRANTED = "FLOOR_GRANTED"
    RECESS = "RECESS"
    DEBATE = "DEBATE"
    OTHER_BUSINESS = "OTHER_BUSINESS"
    CLOSE_SESSION = "CLOSE_SESSION"


class Presence(StrEnum):
    """The answer to a name in the roll call."""

    PRESENT = "present"
    ABSENT = "absent"
    EXCUSED = "excused"


class VoteResult(StrEnum):
    """The outcome of a vote."""

    APPROVED = "approved"
    REJECTED = "rejected"


class AttendanceEntry(TypedDict):
    """One row of the roll call."""

    name: str
    presence: str


@dataclass(frozen=True, slots=True)
class Utterance:
    """One recognised stretch of speech.

    `start_ms` and `end_ms` count from the start of the audio it came from. `confidence` is the recogniser's own,
    from 0 to 1, or `None` for typed text.
    """

    text: str
    start_ms: int
    end_ms: int
    confidence: float | None = None


@dataclass(frozen=True, slots=True)
class Understanding:
    """What one utterance, or one part of it, means.

    `text` carries the tenant's corrections of names, `original_text` is what was recognised. `structured_data` holds
    JSON values only; its keys depend on the intent and are described in `docs/guides/understanding.md`. `confidence`
    is the engine's, from 0 to 1.
    """

    text: str
    original_text: str
    start_ms: int
    end_ms: int
    intent: Intent
    label: str
    template_id: str
    structured_data: dict[str, Any]
    confidence: float
    needs_review: bool


@dataclass(frozen=True, slots=True)
class TenantRule:
    """A phrase of one council that always means the same. `pattern` is a regular expression over folded text."""

    intent: Intent
    pattern: str


@dataclass(frozen=True, slots=True)
class TenantLanguage:
    """What the engine knows about one council: corrections of names, its members, its own phrases, its adapter.

    `adapter` is the code of the adapter (LoRA) that a CORE with a language model loads; the embedded one has no use for
    it.
    """

    entity_dictionary: dict[str, str] = field(default_factory=dict)
    members: tuple[str, ...] = ()
    rules: tuple[TenantRule, ...] = ()
    adapter: str = ""


@dataclass(frozen=True, slots=True)
class Tally:
    """What has been said about the vote that is going on; `None` is not said yet."""

    subject: str | None = None
    in_favour: int | None = None
    against: int | None = None
    abstentions: int | None = None
    result: str | None = None

    @property
    def has_counts(self) -> bool:
        """Say whether any number of votes is known."""
        return any(count is not None for count in (self.in_favour, self.against, self.abstentions))

    def to_json(self) -> dict[str, Any]:
        """Return the structured data of a vote."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Proposition:
    """The proposition that was announced last, as far as it was said."""

    number: str | None = None
    author: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Return number and author as in the structured data of a proposition."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class DialogueContext:
    """What the engine remembers from one call to the next. The start of a session is `DialogueContext()`.

    Times are `HH:MM`. `called_name` was called in the roll call and has not answered; `answered_name` is the last
    one that did. `voting` is the vote in progress. `motion` is what was last put forward and may be voted on.
    """

    last_intent: Intent | None = None
    floor_holder: str | None = None
    session_is_open: bool = False
    opened_at: str | None = None
    last_time: str | None = None
    roll_call_is_open: bool = False
    called_name: str | None = None
    answered_name: str | None = None
    agenda_is_open: bool = False
    voting: Tally | None = None
    motion: str | None = None
    proposition: Proposition | None = None

    def to_json(self) -> dict[str, Any]:
        """Return JSON values from which `from_json` makes an equal context."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Self:
        """Make a context from what `to_json` returned.

        Raises:
            ValueError: `last_intent` is not an intent.
            TypeError: a key is unknown.
        """
        known = dict(values)
        if known.get("last_intent") is not None:
            known["last_intent"] = Intent(known["last_intent"])
        if known.get("voting") is not None:
            known["voting"] = Tally(**known["voting"])
        if known.get("proposition") is not None:
            known["proposition"] = Proposition(**known["proposition"])
        return cls(**known)
