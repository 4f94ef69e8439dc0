"""The transports that `manage.py stream_file` offers. A new one is one line."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from django.conf import settings

from sessions_app.clients.grpc import GrpcClient
from sessions_app.clients.rest import RestClient
from sessions_app.clients.transport import SessionClient, Token
from sessions_app.clients.websocket import WebSocketClient


@dataclass(frozen=True, slots=True)
class Transport:
    """How to make a client for an address, and the address of this installation."""

    client: Callable[[str, Token], SessionClient]
    own_url: Callable[[], str]


TRANSPORTS: Final[dict[str, Transport]] = {
    "rest": Transport(RestClient, lambda: settings.PUBLIC_URL),
    "websocket": Transport(WebSocketClient, lambda: settings.PUBLIC_URL),
    "grpc": Transport(GrpcClient, lambda: f"grpc://{settings.GRPC_ADDRESSES[0]}"),
}
