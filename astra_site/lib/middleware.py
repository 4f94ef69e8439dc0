"""The trace id of a request: taken from W3C `traceparent`, else made here; on each log line and in the answer."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from astra_site.lib.logs import log_context

_TRACEPARENT = re.compile(r"(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}\Z")


def trace_id_from(traceparent: str) -> str:
    """Return the trace id of a W3C `traceparent` header, or a new one: 32 hexadecimal digits."""
    match = _TRACEPARENT.match(traceparent)
    return match.group(1) if match else secrets.token_hex(16)


class TraceMiddleware:
    """Binds `trace_id` for everything that happens in a request."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        """Keep the next layer."""
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Run the request with its trace id bound and answer it in `X-Trace-Id`."""
        trace_id = trace_id_from(request.headers.get("traceparent", ""))
        with log_context(trace_id=trace_id):
            response = self.get_response(request)
        response["X-Trace-Id"] = trace_id
        return response
