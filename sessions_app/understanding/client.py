"""The seam between a session and CORE: one small interface, embedded by default, remote by configuration."""

from __future__ import annotations

from typing import Protocol

from sessions_app.understanding.engine import EmbeddedCore
from sessions_app.understanding.errors import CoreAnswerInvalid
from sessions_app.understanding.schema import CoreRequest, CoreResponse, request_for, response_body
from sessions_app.understanding.types import DialogueContext, TenantLanguage, Understanding, Utterance


class CoreClient(Protocol):
    """Asks a CORE. `name` says which one answered, for the journal.

    Every implementation validates the answer against `astra.core/1` before it returns it. It raises `AstraError`s only:
    `CoreRequestInvalid` (permanent) when the question is at fault, `CoreAnswerInvalid` when the answer does not fit,
    and a transient error when there is none. A remote one does so within its deadline, whatever the other side does.
    """

    @property
    def name(self) -> str:
        """Which CORE this is."""
        ...

    def ask(self, request: CoreRequest) -> CoreResponse:
        """Return CORE's validated answer."""
        ...


class EmbeddedCoreClient:
    """Asks the engine in this process. The answer takes the same way through the schema as a remote one."""

    name = "embedded"

    def __init__(self, core: EmbeddedCore | None = None) -> None:
        self._core = core or EmbeddedCore()

    def ask(self, request: CoreRequest) -> CoreResponse:
        """Return the engine's answer, validated."""
        return CoreResponse.parse(answer(self._core, request.to_json()))


def answer(core: EmbeddedCore, body: str | bytes) -> str:
    """Answer a request body with a response body; a remote CORE serves exactly this.

    Raises:
        CoreRequestInvalid: the body does not fit `astra.core/1`.
    """
    request = CoreRequest.parse(body)
    utterances = tuple(Utterance(form.text, form.start_ms, form.end_ms, form.confidence) for form in request.utterances)
    understood, context = core.understand(utterances, request.context.value(), request.tenant.value())
    return response_body(understood, context)


def check_answer(request: CoreRequest, response: CoreResponse) -> None:
    """Refuse an answer that fits the schema and yet is none to this request: a word lost or invented, a wrong time.

    Raises:
        CoreAnswerInvalid: the words of all `original_text` are not those that were asked about, in their order, or a
            time lies outside of the audio.
    """
    asked = [word for form in request.utterances for word in _words(form.text)]
    answered = [word for form in response.understandings for word in _words(form.original_text)]
    if asked != answered:
        raise CoreAnswerInvalid("core_answer_invalid", "The words of the answer are not those that were asked about.")
    start_ms = min((form.start_ms for form in request.utterances), default=0)
    end_ms = max((form.end_ms for form in request.utterances), default=0)
    if any(form.start_ms < start_ms or form.end_ms > end_ms for form in response.understandings):
        raise CoreAnswerInvalid("core_answer_invalid", "The answer names a time outside of what was asked about.")


def _words(text: str) -> list[str]:
    return "".join(letter if letter.isalnum() else " " for letter in text).split()


def understand(
    client: CoreClient, utterances: tuple[Utterance, ...], context: DialogueContext, tenant: TenantLanguage
) -> tuple[tuple[Understanding, ...], DialogueContext]:
    """Ask a client with plain values and return plain values.

    Raises:
        CoreRequestInvalid: the values do not fit the schema.
        CoreAnswerInvalid: the answer does not.
    """
    response = client.ask(request_for(utterances, context, tenant))
    return tuple(form.value() for form in response.understandings), response.context.value()
