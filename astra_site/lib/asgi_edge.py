"""What an ASGI application in front of Django needs to answer as the site does: the same checks, the same headers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any, Final

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.request import split_domain_port, validate_host
from django.middleware.clickjacking import XFrameOptionsMiddleware
from django.middleware.security import SecurityMiddleware

from astra_site.lib.middleware import trace_id_from

Scope = Mapping[str, Any]
Message = Mapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Any, Receive, Send], Awaitable[None]]
RawHeaders = list[tuple[bytes, bytes]]

_ONCE: Final = (b"host", b"authorization", b"content-type", b"content-length")


@dataclass(frozen=True, slots=True)
class Call:
    """One request that the site takes as it is. Header names are in lower case."""

    headers: Mapping[str, str]
    is_secure: bool
    trace_id: str

    @property
    def bearer(self) -> str | None:
        """The token of a well-formed `Authorization` header."""
        parts = self.headers.get("authorization", "").split()
        return parts[1] if len(parts) == 2 and parts[0].lower() == "bearer" else None


def call_of(scope: Scope) -> Call | None:
    """Return a request; None where Django's own layers have something to say.

    That is: a host that is not this site's, plain HTTP that is to be redirected, an application mounted below another
    path, a header that must stand once and stands twice.
    """
    names = [name for name, _ in scope["headers"]]
    if scope.get("root_path") or any(names.count(name) > 1 for name in _ONCE):
        return None
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    is_secure = _is_secure(scope, headers)
    if settings.SECURE_SSL_REDIRECT and not is_secure:
        return None
    if not _is_ours(headers.get("host", ""), tuple(settings.ALLOWED_HOSTS)):
        return None
    return Call(headers, is_secure, trace_id_from(headers.get("traceparent", "")))


async def read_body(receive: Receive) -> bytes | None:
    """Return the whole body; None when the client goes away before its end."""
    pieces: list[bytes] = []
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        pieces.append(message.get("body", b""))
        if not message.get("more_body", False):
            return pieces[0] if len(pieces) == 1 else b"".join(pieces)


def with_body(scope: Scope, body: bytes, receive: Receive) -> tuple[dict[str, Any], Receive]:
    """Return a request whose body was read already as one that can be read again, with its length announced."""
    other = [pair for pair in scope["headers"] if pair[0] not in (b"content-length", b"transfer-encoding")]
    again = {**scope, "headers": [*other, (b"content-length", str(len(body)).encode())]}
    unread = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive_again() -> Message:
        return unread.pop() if unread else await receive()

    return again, receive_again


async def answer(send: Send, call: Call, status: int, headers: Sequence[tuple[str, str]], content: bytes) -> None:
    """Send a whole answer with the headers that every answer of the site has."""
    own = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers]
    own += [(b"content-length", str(len(content)).encode()), (b"x-trace-id", call.trace_id.encode())]
    await send({"type": "http.response.start", "status": status, "headers": own + site_headers(call.is_secure)})
    await send({"type": "http.response.body", "body": content})


@cache
def site_headers(is_secure: bool) -> RawHeaders:
    """Return what Django's security layers add to an answer, asked of themselves."""

    class Request(HttpRequest):
        def is_secure(self) -> bool:
            return is_secure

    response: HttpResponse = HttpResponse(headers={"Content-Type": ""})
    for layer in (SecurityMiddleware, XFrameOptionsMiddleware):
        layer(lambda _: response).process_response(Request(), response)
    del response["Content-Type"]
    return [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in response.items()]


def _is_secure(scope: Scope, headers: Mapping[str, str]) -> bool:
    """Say whether the client speaks TLS, by the same rule as Django: the proxy's word where there is one."""
    if settings.SECURE_PROXY_SSL_HEADER:
        name, secure_value = settings.SECURE_PROXY_SSL_HEADER
        given = headers.get(name.removeprefix("HTTP_").replace("_", "-").lower())
        if given is not None:
            return given.split(",", 1)[0].strip() == secure_value
    return bool(scope.get("scheme") == "https")


@lru_cache(maxsize=256)
def _is_ours(host: str, allowed: tuple[str, ...]) -> bool:
    domain, _ = split_domain_port(host)
    return bool(domain) and validate_host(domain, allowed)
