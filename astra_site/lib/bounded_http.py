"""One request to an identity provider: bounded in bytes and, from the look-up of its name to the last byte, in time.

The exchange runs on an event loop in a thread of its own, because only there a deadline holds for all of it. A socket's
own timeout starts anew with every byte that drips in.
"""

from __future__ import annotations

import asyncio
import json
import ssl
import threading
from collections.abc import Mapping
from functools import cache
from typing import Any, Final

import httpx

from astra_site.lib.errors import Unavailable

_SPARE_S: Final = 1.0
_NOTHING: Final[Mapping[str, str]] = {}


class AnswerRefused(Unavailable):
    """The other side answered, but not with what was asked for (`provider_answer_invalid`); `status` is HTTP's."""

    def __init__(self, message: str, status: int = 0) -> None:
        super().__init__("provider_answer_invalid", message)
        self.status = status


def fetch_json(
    url: str,
    *,
    deadline_s: float,
    max_bytes: int,
    form: Mapping[str, str] | None = None,
    headers: Mapping[str, str] = _NOTHING,
) -> dict[str, Any]:
    """GET a JSON object, or POST a form for one. Redirects, proxies and credentials of the machine are not followed.

    Raises `Unavailable` (`provider_unreachable`) when there is no whole answer within `deadline_s`, and `AnswerRefused`
    for another status than 200, more than `max_bytes`, or anything but a JSON object.
    """
    exchange = asyncio.run_coroutine_threadsafe(_within(deadline_s, url, form, headers, max_bytes), _loop())
    try:
        body = exchange.result(deadline_s + _SPARE_S)
    except TimeoutError as error:
        exchange.cancel()
        raise _unreachable(f"did not answer within {deadline_s:g} s") from error
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise AnswerRefused("The identity provider's answer is not JSON.") from error
    if not isinstance(answer, dict):
        raise AnswerRefused("The identity provider's answer is not a JSON object.")
    return answer


async def _within(
    deadline_s: float, url: str, form: Mapping[str, str] | None, headers: Mapping[str, str], max_bytes: int
) -> bytes:
    try:
        async with asyncio.timeout(deadline_s):
            return await _exchange(url, form, headers, max_bytes)
    except TimeoutError as error:
        raise _unreachable(f"did not answer within {deadline_s:g} s") from error
    except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
        raise _unreachable(f"can't be reached or broke off ({type(error).__name__})") from error


async def _exchange(url: str, form: Mapping[str, str] | None, headers: Mapping[str, str], max_bytes: int) -> bytes:
    asked = {"Accept": "application/json", "Accept-Encoding": "identity", **headers}
    client = httpx.AsyncClient(timeout=None, follow_redirects=False, trust_env=False, verify=_trusted())  # noqa: S113 - the caller's deadline
    async with client, client.stream("GET" if form is None else "POST", url, data=form, headers=asked) as response:
        encoding = response.headers.get("content-encoding", "identity").strip().lower()
        if encoding != "identity":
            raise AnswerRefused("The identity provider packs an answer that was to be plain.", response.status_code)
        body = bytearray()
        async for piece in response.aiter_raw():
            body += piece
            if len(body) > max_bytes:
                raise AnswerRefused(f"The identity provider's answer is longer than {max_bytes} bytes.")
        if response.status_code != httpx.codes.OK:
            raise AnswerRefused(
                f"The identity provider answers with status {response.status_code}.", response.status_code
            )
        return bytes(body)


def _unreachable(what: str) -> Unavailable:
    return Unavailable("provider_unreachable", f"The identity provider {what}.")


@cache
def _trusted() -> ssl.SSLContext:
    return ssl.create_default_context()


@cache
def _loop() -> asyncio.AbstractEventLoop:
    """Return the event loop of this process's exchanges; its thread runs as long as the process."""
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, name="provider-exchanges", daemon=True).start()
    return loop
