"""The append endpoint in front of Django: an ASGI application that answers what is plainly right, and fast.

Django's and DRF's layers take several times as long as the append itself. Whatever is not plain (another method or
media type, a body that does not parse or validate, a token that lacks something) goes on to Django with its body, and
DRF's view says what is wrong with it: so one place words refusals. Tenant scope, log context, trace id and headers are
those of every other answer. See ADR 11.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from django.db import DatabaseError
from rest_framework.renderers import JSONRenderer

from astra_site.lib.asgi_edge import Application, Call, Receive, Scope, Send, answer, call_of, read_body, with_body
from astra_site.lib.auth_tokens import Principal, token_verifier
from astra_site.lib.callers import is_known_good
from astra_site.lib.errors import AstraError, ErrorKind, RateLimited
from astra_site.lib.logs import log_context
from astra_site.lib.problems import INTERNAL_ERROR, PROBLEM_TYPE, problem_body, problem_of
from astra_site.lib.tenancy import tenant_scope
from astra_site.lib.threads import in_thread
from sessions_app.api.append import APPEND_SCOPE, answer_of
from sessions_app.api.append_reading import Append, read_plainly
from sessions_app.services.inputs import Accepted
from sessions_app.services.limits import check_rate
from sessions_app.services.results import blocks_within

logger = logging.getLogger(__name__)

_PATH: Final = re.compile(
    r"/v1/orchestrator/session/([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})/(?:append|chunk)\Z"
)
_FOR_DJANGO: Final = (ErrorKind.INVALID, ErrorKind.TOO_LARGE)
"""Refusals of the content itself: Django's view makes sure first that the caller may know about them."""
_ALLOW: Final = (("Allow", "POST, OPTIONS"),)
_ACCEPTED_HEADERS: Final = (("Content-Type", "application/json"), *_ALLOW)
_RENDERER: Final = JSONRenderer()
Answer = tuple[int, tuple[tuple[str, str], ...], bytes]


@dataclass(frozen=True, slots=True)
class _Plain:
    """A request that is an append of somebody who may append."""

    call: Call
    session_id: UUID
    principal: Principal
    content_type: str
    query: bytes


class AppendFront:
    """An ASGI application in front of Django's: answers appends, and hands everything else on."""

    def __init__(self, django: Application) -> None:
        """Keep the application that answers everything else."""
        self._django = django

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer an append, or hand the request on, with its body if that was read."""
        plain = _plain(scope) if scope["type"] == "http" and scope["method"] == "POST" else None
        if plain is None:
            await self._django(scope, receive, send)
            return
        tenant_id = plain.principal.tenant_id
        with (
            log_context(trace_id=plain.call.trace_id, tenant_id=tenant_id, session_id=plain.session_id),
            tenant_scope(tenant_id),
        ):
            try:
                unanswered = await self._answered(plain, receive, send)
            except Exception:  # a programming error: logged with the trace id that the client gets
                logger.exception("An append failed.")
                body = problem_body(500, *INTERNAL_ERROR)
                await answer(send, plain.call, 500, (("Content-Type", PROBLEM_TYPE),), _RENDERER.render(body))
                raise
        if unanswered is not None:
            await self._django(*with_body(scope, unanswered, receive), send)

    async def _answered(self, plain: _Plain, receive: Receive, send: Send) -> bytes | None:
        """Answer a plain append; return its body where Django has to answer it."""
        found = _too_fast(plain)
        if found is None:
            body = await read_body(receive)
            found = None if body is None else await _answer(plain, body, receive)
            if found is None:
                return body
        await answer(send, plain.call, *found)
        return None


def _plain(scope: Scope) -> _Plain | None:
    path = _PATH.match(scope["path"])
    call = call_of(scope) if path else None
    if path is None or call is None or call.bearer is None:
        return None
    principal = token_verifier().recall(call.bearer)
    if principal is None or APPEND_SCOPE not in principal.scopes or not is_known_good(principal):
        return None
    content_type = call.headers.get("content-type", "")
    return _Plain(call, UUID(path[1]), principal, content_type, scope["query_string"])


def _too_fast(plain: _Plain) -> Answer | None:
    """Return the answer to who is known to send too much, before a byte of the body is read."""
    try:
        check_rate(plain.principal.tenant_id, plain.session_id)
    except RateLimited as error:
        return _refusal(error)
    return None


async def _answer(plain: _Plain, body: bytes, receive: Receive) -> Answer | None:
    """Return the answer; None for what Django's view has to say."""
    try:
        done = await in_thread(_accept, plain, body)
    except (AstraError, DatabaseError) as error:
        return _refusal(error)
    if done is None:
        return None
    append, accepted = done
    blocks = None
    if append.wait_s:
        blocks = await _blocks_while_connected(plain.session_id, accepted, append.wait_s, receive)
    status, content = answer_of(plain.session_id, accepted, blocks)
    return status, _ACCEPTED_HEADERS, _RENDERER.render(content)


def _accept(plain: _Plain, body: bytes) -> tuple[Append, Accepted] | None:
    append = read_plainly(plain.content_type, plain.query, body)
    if append is None:
        return None
    return append, append.accept(plain.session_id, plain.principal.subject, behind=True)


def _refusal(error: AstraError | DatabaseError) -> Answer | None:
    if isinstance(error, AstraError) and error.kind in _FOR_DJANGO:
        return None
    problem = problem_of(error)
    if problem is None:
        raise error
    level = logging.ERROR if problem.status >= 500 else logging.INFO
    logger.log(level, "An append was refused: %s", error, exc_info=error if problem.status >= 500 else None)
    headers = (("Content-Type", PROBLEM_TYPE), *_ALLOW, *problem.headers.items())
    return problem.status, headers, _RENDERER.render(problem.body)


async def _blocks_while_connected(
    session_id: UUID, accepted: Accepted, wait_s: float, receive: Receive
) -> list[dict[str, Any]] | None:
    """Wait for the blocks, but not for a client that has gone: it comes back with the same number."""
    waiting = asyncio.create_task(blocks_within(session_id, accepted.row.sequence_id or 0, wait_s))
    gone = asyncio.create_task(_disconnected(receive))
    try:
        await asyncio.wait({waiting, gone}, return_when=asyncio.FIRST_COMPLETED)
        return waiting.result() if waiting.done() else None
    finally:
        for task in (waiting, gone):
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
