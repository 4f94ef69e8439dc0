"""Who speaks on a socket, and until when."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Final

from django.db import InterfaceError, OperationalError

from astra_site.lib.auth_tokens import Principal
from astra_site.lib.callers import caller_of, check_active, check_scope
from astra_site.lib.clock import utc_now
from astra_site.lib.errors import Forbidden, Unauthenticated
from astra_site.lib.threads import in_thread
from sessions_app.realtime.closing import closing_of

_TENANT_AGAIN_S: Final = 30.0
"""How often an open socket asks whether its tenant may still work."""


def authenticate(token: str, scope: str) -> Principal:
    """Return who a token is; raise as the REST API does (`token_…`, `tenant_inactive`, `scope_missing`)."""
    principal = caller_of(f"Bearer {token}")
    check_scope(principal, scope)
    return principal


class Caller:
    """The principal of an open socket: a fresh token of the same person prolongs it."""

    def __init__(self, principal: Principal, scope: str) -> None:
        self.principal = principal
        self._scope = scope
        self._renewed = asyncio.Event()

    async def renew(self, token: str, *also: str) -> None:
        """Go on with a fresh token, which needs the socket's scope and `also` these; a bad one changes nothing.

        Raises as `authenticate`, and `token_of_another`.
        """
        fresh = await in_thread(authenticate, token, self._scope)
        for scope in also:
            check_scope(fresh, scope)
        if (fresh.subject, fresh.tenant_id) != (self.principal.subject, self.principal.tenant_id):
            raise Forbidden("token_of_another", "A socket can't change its caller: open another one.")
        self.principal = fresh
        self._renewed.set()

    async def watch(self) -> None:
        """Run until the token expires, or the tenant or API client is switched off; then raise the `Closing`."""
        while True:
            left_s = (self.principal.expires_at - utc_now()).total_seconds()
            if left_s <= 0:
                raise closing_of(Unauthenticated("token_expired", "The token has expired: connect with a new one."))
            self._renewed.clear()
            # Not `wait_for`: it loses a cancellation that comes together with the event (Python 3.11).
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(min(left_s, _TENANT_AGAIN_S)):
                    await self._renewed.wait()
            # A database that does not answer changes nothing: it is asked again.
            with contextlib.suppress(OperationalError, InterfaceError):
                await self._check_active()

    async def _check_active(self) -> None:
        try:
            await in_thread(check_active, self.principal)
        except (Forbidden, Unauthenticated) as error:
            raise closing_of(error) from error
