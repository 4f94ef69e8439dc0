"""Who calls a gRPC method: the same tokens and scopes as over HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from contextvars import ContextVar
from functools import partial

import grpc

from astra_site.lib.auth_tokens import Principal
from astra_site.lib.callers import caller_of, check_scope
from astra_site.lib.errors import Forbidden
from astra_site.lib.logs import log_context
from astra_site.lib.rpc.behaviour import Call, Method, inside, refusing, service_of
from astra_site.lib.tenancy import tenant_scope
from astra_site.lib.threads import in_thread

_caller: ContextVar[Principal] = ContextVar("astra_rpc_caller")


def current_caller() -> Principal:
    """Return who makes the call that is being answered. Raises `LookupError` outside of one."""
    return _caller.get()


class AuthInterceptor(grpc.aio.ServerInterceptor):
    """Lets in who has a good token with the method's scope, and opens the tenant scope and the log context.

    A call that is not let in is refused before anything of its message is read.

    Args:
        scopes: the scope that each method (`/package.Service/Method`) wants. A method that is not listed can't be
            called, except those of `public` services.
        public: services (`package.Service`) that anyone may ask: health, reflection.
    """

    def __init__(self, scopes: Mapping[str, str], public: frozenset[str]) -> None:
        """Remember who may call what."""
        self._scopes = scopes
        self._public = public

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[Method | None]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Method | None:
        """Wrap the method's behaviour, or refuse the call."""
        handler = await continuation(handler_call_details)
        if handler is None or service_of(handler_call_details) in self._public:
            return handler
        given = [str(value) for key, value in handler_call_details.invocation_metadata or () if key == "authorization"]
        scope = self._scopes.get(handler_call_details.method)
        [found] = await asyncio.gather(in_thread(_admitted, " ".join(given), scope), return_exceptions=True)
        return refusing(found) if isinstance(found, BaseException) else inside(handler, partial(_of_caller, found))


def _admitted(authorization: str, scope: str | None) -> Principal:
    principal = caller_of(authorization)
    if scope is None:
        raise Forbidden("method_undeclared", "Nobody has said who may call this.")
    check_scope(principal, scope)
    return principal


@asynccontextmanager
async def _of_caller(principal: Principal, call: Call) -> AsyncIterator[None]:
    token = _caller.set(principal)
    try:
        with tenant_scope(principal.tenant_id), log_context(tenant_id=principal.tenant_id):
            yield
    finally:
        _caller.reset(token)
