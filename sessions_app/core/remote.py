"""A CORE behind HTTP: one question, one answer, one deadline for everything in between.

The exchange runs on an event loop in a thread of its own, because only there a deadline holds for all of it: name
lookup, connecting, a head or a body that drips in byte by byte, and the waits between two tries. A socket's own timeout
starts anew with every byte.
"""

from __future__ import annotations

import asyncio
import ssl
import threading
from functools import cache

import httpx
import stamina

from astra_site.lib.errors import AstraError
from sessions_app.core.errors import CoreUnavailable
from sessions_app.understanding.client import check_answer
from sessions_app.understanding.errors import CoreAnswerInvalid, CoreRequestInvalid
from sessions_app.understanding.schema import CoreRequest, CoreResponse

_TRIES = 3
_FIRST_WAIT = 0.05  # share of the deadline; doubles, and chance adds as much again
_CONNECT_TIMEOUT_S = 1.0  # well under the deadline, so that an address where nobody listens is tried again
_SPARE_S = 1.0
_QUESTION_AT_FAULT = {400, 413, 422}
_TOKEN_AT_FAULT = {401, 403}
_MAY_PASS_AT_ONCE = {"core_unreachable", "core_status"}


class RemoteCoreClient:
    """Posts `astra.core/1` requests to one address. Safe to share between threads; connections are kept open.

    Args:
        url: where requests are posted to, `http` or `https`.
        token: sent as a bearer token when it is not empty.
        timeout_s: the longest that `ask` takes, tries and waits included.
        max_answer_bytes: a longer answer is cut off and refused.
    """

    name = "remote"

    def __init__(
        self, url: str, *, token: str = "", timeout_s: float = 5.0, max_answer_bytes: int = 8 * 1024 * 1024
    ) -> None:
        self._url = url
        self._timeout_s = timeout_s
        self._max_answer_bytes = max_answer_bytes
        headers = {
            "Content-Type": "application/json",
            "Accept": "application/json",
            "Accept-Encoding": "identity",  # what is counted is what is read: no bomb can be packed into it
            **({"Authorization": f"Bearer {token}"} if token else {}),
        }
        self._http = httpx.AsyncClient(
            headers=headers,
            timeout=httpx.Timeout(timeout_s, connect=min(_CONNECT_TIMEOUT_S, timeout_s)),
            follow_redirects=False,
            trust_env=False,  # neither a proxy nor a netrc of the machine has a say in where minutes go
            verify=ssl.create_default_context(),
        )

    def ask(self, request: CoreRequest) -> CoreResponse:
        """Return CORE's validated answer within `timeout_s`.

        Tries up to three times, with growing, jittered waits, when CORE can't be reached, answers with an error status
        or with something garbled; all tries share the deadline.

        Raises:
            CoreRequestInvalid: CORE refuses the question; permanent.
            CoreAnswerInvalid: the answer does not fit the schema or the question.
            CoreUnavailable: there was no answer.
        """
        exchange = asyncio.run_coroutine_threadsafe(self._exchange(request), _loop())
        try:
            return exchange.result(self._timeout_s + _SPARE_S)
        except TimeoutError as error:
            exchange.cancel()
            raise _too_late(self._timeout_s) from error

    def close(self) -> None:
        """Close the connections; the client is of no use afterwards."""
        asyncio.run_coroutine_threadsafe(self._http.aclose(), _loop()).result(_SPARE_S)

    async def _exchange(self, request: CoreRequest) -> CoreResponse:
        body = request.to_json().encode()
        failed: AstraError | None = None
        try:
            async with asyncio.timeout(self._timeout_s):
                async for attempt in stamina.retry_context(
                    on=_is_worth_another_try,
                    attempts=_TRIES,
                    timeout=None,
                    wait_initial=self._timeout_s * _FIRST_WAIT,
                    wait_max=self._timeout_s,
                    wait_jitter=self._timeout_s * _FIRST_WAIT,
                ):
                    with attempt:
                        try:
                            return await asyncio.to_thread(_read, request, await self._post(body))
                        except AstraError as error:
                            failed = error
                            raise
        except TimeoutError as error:
            raise failed or _too_late(self._timeout_s) from error
        raise AssertionError("a retry context ends with an answer or an error")

    async def _post(self, body: bytes) -> bytes:
        """Return the body of a JSON answer that is not too long."""
        try:
            async with self._http.stream("POST", self._url, content=body) as response:
                _check_head(response)
                answer = bytearray()
                async for piece in response.aiter_raw():
                    answer += piece
                    if len(answer) > self._max_answer_bytes:
                        message = f"CORE's answer is longer than {self._max_answer_bytes} bytes."
                        raise CoreUnavailable("core_answer_too_large", message)
                return bytes(answer)
        except httpx.HTTPError as error:
            message = f"CORE can't be reached or broke off ({type(error).__name__})."
            raise CoreUnavailable("core_unreachable", message) from error


def _check_head(response: httpx.Response) -> None:
    status = response.status_code
    if status in _QUESTION_AT_FAULT:
        raise CoreRequestInvalid("core_request_invalid", f"CORE refuses the question (status {status}).")
    if status in _TOKEN_AT_FAULT:
        raise CoreUnavailable("core_refused", f"CORE does not accept ASTRA_CORE_TOKEN (status {status}).")
    if response.is_redirect:
        raise CoreUnavailable("core_redirected", "CORE has moved: set ASTRA_CORE_URL to where it answers itself.")
    if status != httpx.codes.OK:
        raise CoreUnavailable("core_status", f"CORE answers with status {status}.", details={"status": status})
    media_type = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    encoding = response.headers.get("content-encoding", "identity").strip().lower()
    if media_type != "application/json" or encoding != "identity":
        raise CoreUnavailable("core_not_json", "CORE's answer is not plain application/json.")


def _read(request: CoreRequest, body: bytes) -> CoreResponse:
    response = CoreResponse.parse(body)
    check_answer(request, response)
    return response


def _is_worth_another_try(error: Exception) -> bool:
    """Say whether the same question may be answered a moment later; a wrong address, token or size stays wrong."""
    return isinstance(error, CoreAnswerInvalid) or (
        isinstance(error, CoreUnavailable) and error.code in _MAY_PASS_AT_ONCE
    )


def _too_late(timeout_s: float) -> CoreUnavailable:
    return CoreUnavailable("core_timeout", f"CORE did not answer within {timeout_s:g} s.")


@cache
def _loop() -> asyncio.AbstractEventLoop:
    """Return the event loop of this process's exchanges; its thread runs as long as the process."""
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, name="core-exchanges", daemon=True).start()
    return loop
