"""The seam between a session and CORE: one small interface, embedded by default, remote by configuration."""

from __future__ import annotations

from typing import Protocol

from sessions_app.understanding.engine import EmbeddedCore
from sessions_app.understanding.schema import CoreRequest, CoreResponse, request_for, response_body
from sessions_app.understanding.types import DialogueContext, TenantLanguage, Understanding, Utterance


class CoreClient(Protocol):
    """Asks a CORE.

    Every implementation validates the answer against `astra.core/1` before it returns it, and raises
    `CoreAnswerInvalid` when it does not fit.
    """

    def ask(self, request: CoreRequest) -> CoreResponse:
        """Return CORE's validated answer."""
        ...


class EmbeddedCoreClient:
    """Asks the engine in this process. The answer takes the same way through the schema as a remote one."""

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
