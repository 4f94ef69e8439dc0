"""The site as an ASGI server runs it, without a socket: the gate, the front of the append, and Django behind them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx
from django.core.asgi import get_asgi_application

from astra_site.request_bodies import BodyGate
from sessions_app.api.append_front import AppendFront
from tests.people import Person
from tests.sessions.minutes_client import Minutes


@dataclass
class Site:
    """Answers requests and notes which of them reached Django."""

    reached_django: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        django = get_asgi_application()

        async def noting(scope: Any, receive: Any, send: Any) -> None:
            self.reached_django.append(f"{scope['method']} {scope['path']}")
            await django(scope, receive, send)

        self.application = BodyGate(AppendFront(noting))

    def client(self, person: Person | None = None, **headers: str) -> httpx.AsyncClient:
        """A client for use in a loop of the test's own."""
        token = {"Authorization": f"Bearer {person.token()}"} if person else {}
        transport = httpx.ASGITransport(app=self.application, raise_app_exceptions=False)  # type: ignore[arg-type]  # messages as mappings
        return httpx.AsyncClient(
            transport=transport, base_url="http://testserver", headers={**token, **headers}, timeout=30
        )

    def send(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str],
        content: bytes = b"",
        person: Person | None = None,
    ) -> httpx.Response:
        """Send one request."""

        async def run() -> httpx.Response:
            async with self.client(person) as client:
                return await client.request(method, path, headers=dict(headers), content=content)

        return asyncio.run(run())

    def append(self, minutes: Minutes, person: Person, query: str, content: bytes, media_type: str) -> httpx.Response:
        """Append to a session."""
        path = f"{minutes.url('append')}{query}"
        return self.send("POST", path, headers={"Content-Type": media_type}, content=content, person=person)
