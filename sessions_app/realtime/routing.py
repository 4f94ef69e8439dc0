"""Addresses of the sockets."""

from __future__ import annotations

from typing import Any, Final

from channels.routing import URLRouter
from django.conf import settings
from django.urls import path, re_path

from astra_site.lib.errors import NotFound
from astra_site.lib.logs import log_context
from astra_site.lib.middleware import trace_id_from
from sessions_app.realtime.handshake import header
from sessions_app.realtime.live_events import EventsConsumer
from sessions_app.realtime.socket import Application, Receive, Scope, Send, Socket
from sessions_app.realtime.stream import StreamConsumer

_NOTHING: Final = NotFound("not_found", "There is nothing at this address.")


async def nothing_here(scope: Scope, receive: Receive, send: Send) -> None:
    """Refuse the handshake at an address that no socket has."""
    socket = Socket(receive, send, settings.SOCKET_SEND_TIMEOUT_S)
    await socket.begin()
    with log_context(trace_id=trace_id_from(header(scope, b"traceparent"))):
        await socket.deny(scope, _NOTHING)


_stream: Any = StreamConsumer.as_asgi()
_events: Any = EventsConsumer.as_asgi()
_nothing: Any = nothing_here
websocket_urlpatterns = [
    path("ws/v1/session/<uuid:session_id>/stream", _stream, name="session-stream"),
    path("ws/v1/session/<uuid:session_id>/events", _events, name="session-events"),
]
"""The addresses of sockets. What stands here is no Django view but a consumer, which only Channels' router calls."""


def websocket_application() -> Application:
    """Return the application of every socket."""
    router: Application = URLRouter([*websocket_urlpatterns, re_path("", _nothing)])
    return router
