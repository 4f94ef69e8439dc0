"""Opens the tenant scope of the admin: the tenants of the signed-in person."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from django.http import HttpRequest, HttpResponse

from astra_site.lib.logs import log_context
from astra_site.lib.tenancy import all_tenants, tenant_scope
from tenants.models import Membership


class AdminTenantScopeMiddleware:
    """Every admin page runs in the scope of its user; other addresses open theirs from the token."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        """Keep the next layer."""
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Run an admin request in its user's scope."""
        if not request.path.startswith("/admin"):
            return self.get_response(request)
        if request.user.is_superuser:
            with all_tenants(reason="platform staff in the admin"):
                return self.get_response(request)
        roles = self._roles(request)
        request.tenant_roles = roles  # type: ignore[attr-defined]  # read by astra_site.lib.admin
        one = next(iter(roles)) if len(roles) == 1 else None
        with tenant_scope(*roles), log_context(tenant_id=one):
            return self.get_response(request)

    @staticmethod
    def _roles(request: HttpRequest) -> dict[UUID, str]:
        if not request.user.is_authenticated:
            return {}
        with all_tenants(reason="find the tenants of the signed-in person"):
            rows = Membership.objects.filter(user_id=request.user.pk, tenant__is_active=True)
            return dict(rows.values_list("tenant_id", "role"))
