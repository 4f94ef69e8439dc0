"""A CORE behind a circuit breaker."""

from __future__ import annotations

from astra_site.lib.errors import AstraError
from sessions_app.core.breaker import CircuitBreaker, Outcome
from sessions_app.understanding.client import CoreClient
from sessions_app.understanding.schema import CoreRequest, CoreResponse


class GuardedCore:
    """Asks a remote CORE unless that failed several times in a row: then it raises `CoreBreakerOpen` at once."""

    def __init__(self, client: CoreClient, breaker: CircuitBreaker) -> None:
        self.client = client
        self._breaker = breaker

    @property
    def name(self) -> str:
        """Which CORE is behind the breaker."""
        return self.client.name

    def ask(self, request: CoreRequest) -> CoreResponse:
        """Return the client's answer.

        One question counts once, whatever tries it took. Transient errors count, a wrong answer among them; a question
        that is at fault itself says nothing about CORE. Raises the client's errors and `CoreBreakerOpen`.
        """
        token = self._breaker.admit()
        outcome = Outcome.NONE
        try:
            answer = self.client.ask(request)
            outcome = Outcome.SUCCESS
            return answer
        except AstraError as error:
            outcome = Outcome.NONE if error.permanent else Outcome.FAILURE
            raise
        finally:
            self._breaker.settle(token, outcome)
