"""The gRPC server: its services, interceptors, limits, health and end. `manage.py run_grpc` runs it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Final, Self

import grpc
from django.conf import settings
from grpc_health.v1 import health
from grpc_health.v1.health_pb2 import HealthCheckResponse
from grpc_health.v1.health_pb2_grpc import add_HealthServicer_to_server
from grpc_reflection.v1alpha import reflection

from astra_site.health import readiness
from astra_site.lib.errors import InvalidInput
from astra_site.lib.rpc.auth import AuthInterceptor
from astra_site.lib.rpc.call_limit import CallLimit
from astra_site.lib.rpc.errors import ProblemInterceptor
from astra_site.lib.threads import in_thread
from sessions_app.rpc import scopes as sessions
from sessions_app.rpc.generated.session_pb2_grpc import add_SessionServiceServicer_to_server
from sessions_app.rpc.servicer import SessionServicer
from tenants.rpc import servicer as configuration
from tenants.rpc.generated.config_pb2_grpc import add_TenantConfigServiceServicer_to_server

logger = logging.getLogger(__name__)

SERVICES: Final = (sessions.SERVICE, configuration.SERVICE)
SCOPES: Final = {**sessions.SCOPES, **configuration.SCOPES}
PUBLIC: Final = frozenset({health.SERVICE_NAME, reflection.SERVICE_NAME})
_ROOM_BESIDE_AUDIO_BYTES: Final = 64 * 1024
_DRAIN_WITHIN_S: Final = 15.0
_TIDY_WITHIN_S: Final = 3.0
LOOK_EVERY_S: Final = 3.0


class GrpcServer:
    """The server of this process, on one event loop. A context manager: entering starts it, leaving drains it.

    Draining tells the health service first, then ends each stream between two of its messages with UNAVAILABLE
    (`server_stopping`), lets calls finish, and cuts off after a while what still holds on.

    Args:
        addresses: `host:port` (port 0 takes a free one) or `unix:/path`; TLS is for the former.
    """

    def __init__(self, addresses: Sequence[str]) -> None:
        """Remember the addresses; nothing listens yet."""
        self.addresses = list(addresses)
        self.ports: list[int] = []
        self._stopping = asyncio.Event()
        self._health = health.aio.HealthServicer()
        self._calls = CallLimit(settings.GRPC_MAX_CALLS, PUBLIC)
        self._server = grpc.aio.server(
            interceptors=[ProblemInterceptor(PUBLIC), self._calls, AuthInterceptor(SCOPES, PUBLIC)],
            options=_options(),
        )
        self._looking: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        """Start to listen. Raises `InvalidInput` for an address or a certificate that can't be used."""
        add_SessionServiceServicer_to_server(SessionServicer(self._stopping), self._server)
        add_TenantConfigServiceServicer_to_server(configuration.TenantConfigServicer(), self._server)
        add_HealthServicer_to_server(self._health, self._server)
        if settings.PUBLIC_DOCS:
            reflection.enable_server_reflection((*SERVICES, *PUBLIC), self._server)
        credentials = _credentials()
        self.ports = [self._listen(address, credentials) for address in self.addresses]
        await self._tell_health(ok=False)
        self._looking = asyncio.create_task(self._keep_looking())
        await self._server.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Drain and stop."""
        if self._looking is not None:
            self._looking.cancel()
        await self._health.enter_graceful_shutdown()
        self._stopping.set()
        await self._server.stop(_DRAIN_WITHIN_S)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_TIDY_WITHIN_S):
                await self._calls.idle()

    def _listen(self, address: str, credentials: grpc.ServerCredentials | None) -> int:
        try:
            if credentials is None or address.startswith("unix:"):
                return self._server.add_insecure_port(address)
            return self._server.add_secure_port(address, credentials)
        except RuntimeError as error:
            raise InvalidInput("grpc_address_unusable", f"gRPC can't listen at {address}: is it in use?") from error

    async def _keep_looking(self) -> None:
        """Keep the health service as true as `/health/ready` is."""
        while True:
            ok, _ = await in_thread(readiness)
            await self._tell_health(ok=ok)
            await asyncio.sleep(LOOK_EVERY_S)

    async def _tell_health(self, *, ok: bool) -> None:
        status = HealthCheckResponse.SERVING if ok else HealthCheckResponse.NOT_SERVING
        for service in ("", *SERVICES):
            await self._health.set(service, status)


def _options() -> list[tuple[str, int]]:
    keepalive_ms = settings.GRPC_KEEPALIVE_S * 1000
    return [
        ("grpc.max_receive_message_length", settings.MAX_CHUNK_BYTES + _ROOM_BESIDE_AUDIO_BYTES),
        # A port that another server has is an error, not a share of its calls.
        ("grpc.so_reuseport", 0),
        ("grpc.keepalive_time_ms", keepalive_ms),
        ("grpc.keepalive_timeout_ms", keepalive_ms // 3),
        # Without this one a ping that is lost is waited for for a minute, whatever the keepalive says.
        ("grpc.http2.ping_timeout_ms", keepalive_ms // 3),
        ("grpc.keepalive_permit_without_calls", 1),
        ("grpc.http2.max_pings_without_data", 0),
        # Clients may ping as often: between chunks a stream is silent for seconds.
        ("grpc.http2.min_ping_interval_without_data_ms", keepalive_ms // 3),
    ]


def _credentials() -> grpc.ServerCredentials | None:
    """Return the TLS credentials that the settings name, None where they name none. Raises `InvalidInput`."""
    cert_file, key_file = settings.GRPC_TLS_CERT_FILE, settings.GRPC_TLS_KEY_FILE
    if not cert_file and not key_file:
        return None
    try:
        return grpc.ssl_server_credentials([(Path(key_file).read_bytes(), Path(cert_file).read_bytes())])
    except OSError as error:
        raise InvalidInput(
            "grpc_tls_unreadable", "ASTRA_GRPC_TLS_CERT_FILE and ASTRA_GRPC_TLS_KEY_FILE must both be readable files."
        ) from error
