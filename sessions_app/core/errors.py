"""What can be wrong with a remote CORE. All of it may pass, so all of it is transient."""

from __future__ import annotations

from astra_site.lib.errors import Unavailable


class CoreUnavailable(Unavailable):
    """CORE can't be reached, took too long, or answered with something else than an answer.

    Codes: `core_timeout`, `core_unreachable`, `core_status` (with `details["status"]`), `core_redirected`,
    `core_refused` (the token), `core_not_json`, `core_answer_too_large`.
    """


class CoreBreakerOpen(Unavailable):
    """CORE failed several times in a row and is left alone for a while; `details["retry_after_s"]` says how long."""

    def __init__(self, retry_after_s: float) -> None:
        super().__init__(
            "core_breaker_open",
            "CORE failed several times in a row and is left alone for a moment; what waits for it is done later.",
            details={"retry_after_s": round(retry_after_s, 3)},
        )
        self.retry_after_s = retry_after_s
