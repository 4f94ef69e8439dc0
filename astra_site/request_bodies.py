"""What may be sent before anything else happens: bodies have a limit, and a body for the API needs a valid token.

Django's ASGI handler stores the whole body, on disk from some size on, before any view or check of a token runs. This
stands in front of it and reads nothing that would be refused later anyway.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
from collections.abc import Awaitable, Callable, Mapping
from http.cookies import CookieError, SimpleCookie
from typing import Any, Final

from django.conf import settings

from astra_site.lib.auth_tokens import token_verifier
from astra_site.lib.errors import AstraError, InvalidInput, TooLarge, Unauthenticated
from astra_site.lib.logs import log_context
from astra_site.lib.middleware import trace_id_from
from astra_site.lib.problems import plain_problem_of

Scope = dict[str, Any]
Message = Mapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

logger = logging.getLogger(__name__)

SMALL_BODY_BYTES: Final = 2 * 1024**2
ADMIN_FORM_BYTES: Final = 30 * 1024**2
"""A skeleton of 20 MB with the other fields of its form."""
FORM_ROOM_BYTES: Final = 64 * 1024
"""What the other fields and the boundaries of a form may take, next to the file in it."""
_API: Final = "/v1/"
_TOKENS: Final = "/v1/oauth/token"
"""Where a client shows its secret to get a token: the one address of the API that has none yet."""
TOKEN_FORM_BYTES: Final = 8 * 1024
_SESSION_VERB: Final = re.compile(r"/v1/orchestrator/session/[^/]+/(?P<verb>append|chunk|recording|upload-asset)/?\Z")
STALLED_AFTER_S: Final = 30.0
"""A body of which nothing comes for so long is given up: its client has gone without a word."""
_DRAINED_BYTES: Final = 16 * 1024**2
_DRAINED_WITHIN_S: Final = 2.0


class BodyGate:
    """An ASGI application in front of another; everything but HTTP passes untouched."""

    def __init__(self, application: Application) -> None:
        """Keep the application that answers what passes."""
        self._application = application

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer `413` or `401` as problem JSON, or hand the request on with a body that ends at its limit."""
        if scope["type"] != "http":
            await self._application(scope, receive, send)
            return
        headers = _headers(scope)
        limit_bytes = _limit_bytes(str(scope["path"]), headers)
        try:
            await _check_announcement(scope, headers, limit_bytes)
        except AstraError as error:
            await _refuse(error, headers, send)
            await _close(receive, send)
            return
        body = _LimitedBody(receive, limit_bytes)
        await self._application(scope, body.receive, send)
        if body.is_stalled:
            await _refuse(_stalled(), headers, send)
            await _close(_nothing_more, send)
        elif body.is_cut:
            await _refuse(_too_large(limit_bytes), headers, send)
            await _close(_nothing_more if body.is_ended else receive, send)


class _LimitedBody:
    """Hands a body on until it passes its limit; from there on it looks like a client that went away.

    Django then drops what it has stored and answers nothing, so the answer is still free to give.
    """

    def __init__(self, receive: Receive, limit_bytes: int) -> None:
        self._receive = receive
        self._limit_bytes = limit_bytes
        self._read_bytes = 0
        self.is_cut = self.is_ended = self.is_stalled = False

    async def receive(self) -> Message:
        """Return the next piece; what comes after the body (the client going away) may take as long as it likes."""
        try:
            async with asyncio.timeout(None if self.is_ended else STALLED_AFTER_S):
                message = await self._receive()
        except TimeoutError:
            self.is_stalled = self.is_ended = True
            return {"type": "http.disconnect"}
        self._read_bytes += len(message.get("body", b""))
        self.is_ended = not message.get("more_body", False)
        if self._read_bytes > self._limit_bytes:
            self.is_cut = True
            return {"type": "http.disconnect"}
        return message


async def _check_announcement(scope: Scope, headers: Mapping[str, str], limit_bytes: int) -> None:
    """Raise `TooLarge` or what the token lacks; reads nothing of the body."""
    announced = headers.get("content-length", "")
    announced_bytes = int(announced) if announced.isdecimal() else None
    if announced_bytes is not None and announced_bytes > limit_bytes:
        raise _too_large(limit_bytes)
    may_have_body = scope["method"] not in {"GET", "HEAD", "OPTIONS"} or "transfer-encoding" in headers
    path = str(scope["path"])
    if path.startswith(_API) and path != _TOKENS and (announced_bytes or (announced_bytes is None and may_have_body)):
        token, verifier = _token(headers), token_verifier()
        if verifier.recall(token) is None:
            await asyncio.to_thread(verifier.verify, token)


def _token(headers: Mapping[str, str]) -> str:
    given = headers.get("authorization", "").split()
    if not given:
        raise Unauthenticated("token_missing", "Send a token: Authorization: Bearer <token>.")
    if len(given) != 2 or given[0].lower() != "bearer":
        raise Unauthenticated("token_invalid", "Send the token as: Authorization: Bearer <token>.")
    return given[1]


def _limit_bytes(path: str, headers: Mapping[str, str]) -> int:
    found = _SESSION_VERB.match(path)
    if found is not None:
        return int(
            {
                "recording": settings.MAX_RECORDING_BYTES,
                "upload-asset": settings.MAX_ASSET_BYTES + FORM_ROOM_BYTES,
                "append": settings.DATA_UPLOAD_MAX_MEMORY_SIZE + FORM_ROOM_BYTES,
                "chunk": settings.DATA_UPLOAD_MAX_MEMORY_SIZE + FORM_ROOM_BYTES,
            }[found["verb"]]
        )
    if path == _TOKENS:
        return TOKEN_FORM_BYTES
    if path.startswith("/admin/") and _is_signed_in(headers):
        return ADMIN_FORM_BYTES
    return SMALL_BODY_BYTES


def _is_signed_in(headers: Mapping[str, str]) -> bool:
    """Tell whether there is a session cookie; whether it is a real one is Django's to say."""
    try:
        return settings.SESSION_COOKIE_NAME in SimpleCookie(headers.get("cookie", ""))
    except CookieError:
        return False


def _too_large(limit_bytes: int) -> TooLarge:
    return TooLarge(
        "body_too_large",
        f"The body is larger than the {limit_bytes} bytes that are accepted here.",
        details={"limit_bytes": limit_bytes},
    )


def _stalled() -> InvalidInput:
    return InvalidInput(
        "body_stalled",
        f"Nothing of the body came for {STALLED_AFTER_S:.0f} s. Nothing was stored: send it again.",
    )


def _headers(scope: Scope) -> dict[str, str]:
    return {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}


async def _refuse(error: AstraError, headers: Mapping[str, str], send: Send) -> None:
    """Send the whole answer, but leave it open."""
    trace_id = trace_id_from(headers.get("traceparent", ""))
    with log_context(trace_id=trace_id):
        logger.info("Refused before its body was read: %s", error.code)
        answer = plain_problem_of(error)
    answer["X-Trace-Id"] = trace_id
    answer["X-Content-Type-Options"] = "nosniff"
    answer["Content-Length"] = str(len(answer.content))
    answer["Connection"] = "close"
    raw_headers = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in answer.items()]
    await send({"type": "http.response.start", "status": answer.status_code, "headers": raw_headers})
    await send({"type": "http.response.body", "body": answer.content, "more_body": True})


async def _close(receive: Receive, send: Send) -> None:
    """End the answer, and with it the connection.

    What the client is still sending is read for a moment and thrown away: closed at once, many clients would see a
    broken connection instead of the answer.
    """
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_DRAINED_WITHIN_S):
            await _drain(receive)
    await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _drain(receive: Receive) -> None:
    drained_bytes = 0
    while drained_bytes < _DRAINED_BYTES:
        message = await receive()
        if message["type"] == "http.disconnect" or not message.get("more_body", False):
            return
        drained_bytes += len(message.get("body", b""))


async def _nothing_more() -> Message:
    return {"type": "http.disconnect"}
