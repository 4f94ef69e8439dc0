"""Reading a tenant's published configuration."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpResponse
from django.utils.cache import get_conditional_response
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.request import Request

from astra_site.lib.api import AstraAPIView, require_scope
from tenants.config_service.config import Config
from tenants.config_service.service import get_config

READ = "config:read"
VERSION_HEADER = "Astra-Config-Version"
_ASK_AGAIN = "private, no-cache"
_FOR_GOOD = "private, max-age=31536000, immutable"

_PARAMETERS = [
    OpenApiParameter("If-None-Match", str, OpenApiParameter.HEADER, description="The entity tag that you have."),
    OpenApiParameter(
        VERSION_HEADER, int, OpenApiParameter.HEADER, response=[200, 304], description="The version's number."
    ),
    OpenApiParameter(
        "ETag",
        str,
        OpenApiParameter.HEADER,
        response=[200, 304],
        description='`"sha256:…"`: the SHA-256 of the body\'s bytes, and the hash under which the version is sealed.',
    ),
]
_RESPONSES = {
    200: OpenApiResponse({"type": "object", "additionalProperties": True}, description="`astra.config/1`"),
    304: OpenApiResponse(description="The content that you have."),
}


class NewestConfigView(AstraAPIView):
    """The configuration that is in force."""

    permission_classes = (require_scope(READ),)

    @extend_schema(
        operation_id="tenant_config",
        summary="A tenant's configuration",
        tags=["configuration"],
        parameters=_PARAMETERS,
        responses=_RESPONSES,
    )
    def get(self, request: Request, tenant_id: UUID) -> HttpResponse:
        """Return the newest published configuration, as the canonical JSON that its hash is of."""
        return _answer(request, get_config(tenant_id), _ASK_AGAIN)


class ConfigVersionView(AstraAPIView):
    """A configuration by its number."""

    permission_classes = (require_scope(READ),)

    @extend_schema(
        operation_id="tenant_config_version",
        summary="A version of a tenant's configuration",
        tags=["configuration"],
        parameters=_PARAMETERS,
        responses=_RESPONSES,
    )
    def get(self, request: Request, tenant_id: UUID, number: int) -> HttpResponse:
        """Return a published version. It never changes."""
        return _answer(request, get_config(tenant_id, number), _FOR_GOOD)


def _answer(request: Request, config: Config, caching: str) -> HttpResponse:
    etag = f'"{config.sha256}"'
    whole = HttpResponse(config.body, content_type="application/json")
    answer = get_conditional_response(request, etag=etag, response=whole) or whole
    headers = {"ETag": etag, "Cache-Control": caching, "Vary": "Authorization", VERSION_HEADER: str(config.number)}
    for name, value in headers.items():
        answer.headers[name] = value
    return answer
