"""`astra.tenants.v1.TenantConfigService`. See `protos/astra/tenants/v1/config.proto`."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from astra_site.lib.errors import InvalidInput
from astra_site.lib.rpc.auth import current_caller
from astra_site.lib.rpc.behaviour import Call
from astra_site.lib.threads import in_thread
from tenants.api.config import READ
from tenants.config_service.service import get_config
from tenants.rpc.generated import config_pb2 as pb
from tenants.rpc.generated.config_pb2_grpc import TenantConfigServiceServicer

SERVICE: Final = pb.DESCRIPTOR.services_by_name["TenantConfigService"].full_name
SCOPES: Final = {f"/{SERVICE}/GetConfig": READ}
"""Which scope each method wants. What is not listed can't be called."""


class TenantConfigServicer(TenantConfigServiceServicer):
    """Runs inside the interceptors of `astra_site.lib.rpc`: the caller is known, the tenant scope is open."""

    async def GetConfig(self, request: pb.GetConfigRequest, context: Call) -> pb.Config:
        """Return a published configuration."""
        tenant_id = _tenant_id_of(request.tenant_id) or current_caller().tenant_id
        version = request.version if request.HasField("version") else None
        config = await in_thread(get_config, tenant_id, version)
        is_known = request.known_sha256 == str(config.sha256)
        return pb.Config(
            tenant_id=str(tenant_id),
            version=config.number,
            sha256=str(config.sha256),
            content=b"" if is_known else config.body,
            is_known=is_known,
        )


def _tenant_id_of(text: str) -> UUID | None:
    """Return the id, None for no text; raise `InvalidInput` (`tenant_id_invalid`) for a text that is none."""
    try:
        return UUID(text) if text else None
    except ValueError as error:
        raise InvalidInput("tenant_id_invalid", "tenant_id is a UUID, or empty for the token's own tenant.") from error
