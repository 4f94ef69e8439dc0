"""The ways by which a session's inputs reach the product. A new transport is one class and one entry here."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from tests.transports.line import Line, RestLine, Site
from tests.transports.over_grpc import GrpcLine
from tests.transports.over_websocket import WebSocketLine

LINES: Mapping[str, Callable[[Site, str], Line]] = {
    "rest": lambda site, session_id: RestLine(site.http, session_id),
    "grpc": GrpcLine,
    "websocket": WebSocketLine,
}
