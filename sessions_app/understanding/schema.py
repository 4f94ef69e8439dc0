"""The wire form of CORE, `astra.core/1`: strict, closed, and bounded, so that an answer can be believed."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated, Any, ClassVar, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from sessions_app.understanding.errors import CoreAnswerInvalid, CoreRequestInvalid
from sessions_app.understanding.types import (
    DialogueContext,
    Intent,
    Presence,
    TenantLanguage,
    TenantRule,
    Understanding,
    Utterance,
    VoteResult,
)

SCHEMA: Final = "astra.core/1"

# No NUL: PostgreSQL keeps none in JSON, and a client could not know why its session stands still.
_NO_NUL: Final = r"^[^\x00]*$"
Text = Annotated[str, Field(max_length=100_000, pattern=_NO_NUL)]
Name = Annotated[str, Field(min_length=1, max_length=300, pattern=_NO_NUL)]
ClockTime = Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")]
Count = Annotated[int, Field(ge=0, le=1_000_000)]
Milliseconds = Annotated[int, Field(ge=0, le=1_000_000_000)]
Share = Annotated[float, Field(ge=0, le=1)]


class _Closed(BaseModel):
    model_config = ConfigDict(strict=True, frozen=True, extra="forbid", allow_inf_nan=False)


class AttendanceRow(_Closed):
    """One name of a roll call."""

    name: Name
    presence: Presence


class RollCallData(_Closed):
    """Structured data of `ROLL_CALL`."""

    attendance: tuple[AttendanceRow, ...]


class VoteData(_Closed):
    """Structured data of `VOTE`; what was not said is null."""

    subject: Name | None
    in_favour: Count | None
    against: Count | None
    abstentions: Count | None
    result: VoteResult | None


class PropositionData(_Closed):
    """Structured data of `PROPOSITION`."""

    number: Text | None
    text: Text | None
    author: Name | None


class TimeData(_Closed):
    """Structured data of `OPEN_SESSION` and `CLOSE_SESSION`: local time of the session."""

    time: ClockTime | None


class FloorData(_Closed):
    """Structured data of `FLOOR_GRANTED`; null when the name was not understood."""

    speaker: Name | None


class AgendaData(_Closed):
    """Structured data of `AGENDA`."""

    items: tuple[Text, ...]


class RecessData(_Closed):
    """Structured data of `RECESS`."""

    minutes: Count | None


class NoData(_Closed):
    """Intents without structured data."""


DATA_BY_INTENT: Final[dict[Intent, type[_Closed]]] = {
    Intent.OPEN_SESSION: TimeData,
    Intent.ROLL_CALL: RollCallData,
    Intent.AGENDA: AgendaData,
    Intent.PROPOSITION: PropositionData,
    Intent.VOTE: VoteData,
    Intent.FLOOR_GRANTED: FloorData,
    Intent.RECESS: RecessData,
    Intent.DEBATE: NoData,
    Intent.OTHER_BUSINESS: NoData,
    Intent.CLOSE_SESSION: TimeData,
}


class UtteranceForm(_Closed):
    """`Utterance` on the wire."""

    text: Text
    start_ms: Milliseconds
    end_ms: Milliseconds
    confidence: Share | None = None

    @model_validator(mode="after")
    def _ends_after_it_starts(self) -> Self:
        if self.end_ms < self.start_ms:
            raise ValueError("end_ms is before start_ms")
        return self


class TallyForm(_Closed):
    """`Tally` on the wire."""

    subject: Text | None = None
    in_favour: Count | None = None
    against: Count | None = None
    abstentions: Count | None = None
    result: VoteResult | None = None


class PropositionForm(_Closed):
    """`Proposition` on the wire."""

    number: Text | None = None
    author: Text | None = None


class ContextForm(_Closed):
    """`DialogueContext` on the wire."""

    last_intent: Intent | None = None
    floor_holder: Text | None = None
    session_is_open: bool = False
    opened_at: ClockTime | None = None
    last_time: ClockTime | None = None
    roll_call_is_open: bool = False
    called_name: Text | None = None
    answered_name: Text | None = None
    agenda_is_open: bool = False
    voting: TallyForm | None = None
    motion: Text | None = None
    proposition: PropositionForm | None = None

    def value(self) -> DialogueContext:
        """Return the context that this form carries."""
        values = self.model_dump(mode="json")
        return DialogueContext.from_json(values)


class RuleForm(_Closed):
    """`TenantRule` on the wire."""

    intent: Intent
    pattern: Annotated[str, Field(min_length=1, max_length=500)]

    @model_validator(mode="after")
    def _is_an_expression(self) -> Self:
        try:
            re.compile(self.pattern)
        except re.error as error:
            raise ValueError(f"the pattern is no regular expression: {error}") from error
        return self


class TenantForm(_Closed):
    """`TenantLanguage` on the wire."""

    entity_dictionary: dict[str, str] = Field(default_factory=dict)
    members: tuple[str, ...] = ()
    rules: tuple[RuleForm, ...] = ()
    adapter: Annotated[str, Field(max_length=64, pattern=_NO_NUL)] = ""

    def value(self) -> TenantLanguage:
        """Return the tenant's language that this form carries."""
        rules = tuple(TenantRule(rule.intent, rule.pattern) for rule in self.rules)
        return TenantLanguage(dict(self.entity_dictionary), self.members, rules, self.adapter)


class UnderstandingForm(_Closed):
    """`Understanding` on the wire. The data must have exactly the fields of its intent."""

    data_models: ClassVar[dict[Intent, type[_Closed]]] = DATA_BY_INTENT

    text: Text
    original_text: Text
    start_ms: Milliseconds
    end_ms: Milliseconds
    intent: Intent
    label: Name
    template_id: Annotated[str, Field(pattern=r"^TPL_[A-Z0-9_]{1,100}$")]
    structured_data: dict[str, Any]
    confidence: Share
    needs_review: bool

    @model_validator(mode="after")
    def _data_fits_the_intent(self) -> Self:
        # As JSON, where strict means what it says: a list is a list, but "14" is no number.
        try:
            self.data_models[self.intent].model_validate_json(json.dumps(self.structured_data))
        except ValidationError as error:
            raise ValueError(f"structured_data.{_explain(error)}") from error
        if self.end_ms < self.start_ms:
            raise ValueError("end_ms is before start_ms")
        return self

    def value(self) -> Understanding:
        """Return the understanding that this form carries."""
        return Understanding(**{name: getattr(self, name) for name in type(self).model_fields})


class CoreRequest(_Closed):
    """What CORE is asked."""

    schema_id: Literal["astra.core/1"] = Field(default=SCHEMA, alias="schema")
    utterances: Annotated[tuple[UtteranceForm, ...], Field(max_length=10_000)]
    context: ContextForm
    tenant: TenantForm

    @classmethod
    def parse(cls, body: str | bytes) -> Self:
        """Read a request.

        Raises:
            CoreRequestInvalid: the body is no JSON or does not fit the schema.
        """
        try:
            return cls.model_validate_json(body)
        except ValidationError as error:
            raise CoreRequestInvalid("core_request_invalid", _explain(error)) from error

    def to_json(self) -> str:
        """Return the request's body. A council without an adapter is described as before there were any."""
        return self.model_dump_json(by_alias=True, exclude=None if self.tenant.adapter else {"tenant": {"adapter"}})


class CoreResponse(_Closed):
    """What CORE answers."""

    schema_id: Literal["astra.core/1"] = Field(default=SCHEMA, alias="schema")
    understandings: Annotated[tuple[UnderstandingForm, ...], Field(max_length=50_000)]
    context: ContextForm

    @classmethod
    def parse(cls, body: str | bytes) -> Self:
        """Read an answer. Whatever comes back fits the schema.

        Raises:
            CoreAnswerInvalid: the body is no JSON or does not fit the schema.
        """
        try:
            return cls.model_validate_json(body)
        except ValidationError as error:
            raise CoreAnswerInvalid("core_answer_invalid", _explain(error)) from error


def request_for(utterances: Sequence[Utterance], context: DialogueContext, tenant: TenantLanguage) -> CoreRequest:
    """Make the request for these values.

    Raises:
        CoreRequestInvalid: a value does not fit the schema, for example a negative time.
    """
    return CoreRequest.parse(
        json.dumps(
            {
                "schema": SCHEMA,
                "utterances": [asdict(item) for item in utterances],
                "context": context.to_json(),
                "tenant": asdict(tenant),
            }
        )
    )


def response_body(understood: Sequence[Understanding], context: DialogueContext) -> str:
    """Return the body of the answer that carries these values."""
    return json.dumps(
        {"schema": SCHEMA, "understandings": [asdict(item) for item in understood], "context": context.to_json()}
    )


def _explain(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_input=False)[0]
    place = ".".join(str(step) for step in first["loc"]) or "the body"
    return f"{place}: {first['msg']} ({error.error_count()} problem(s) in all)."
