"""Every address of the site."""

from __future__ import annotations

from django.conf import settings
from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerView

from astra_site.health import live, ready
from astra_site.objects import download_object
from tenants.oidc.views import SignOutView

handler404 = "astra_site.error_pages.page_not_found"
handler500 = "astra_site.error_pages.server_error"
urlpatterns = [
    path("", RedirectView.as_view(pattern_name="admin:index")),
    path("admin/logout/", SignOutView.as_view(), name="sign-out"),
    path("admin/", admin.site.urls),
    path("oidc/", include("tenants.oidc.urls")),
    path("i18n/", include("django.conf.urls.i18n")),
    path("health/live", live, name="health-live"),
    path("health/ready", ready, name="health-ready"),
    path("objects/<str:token>", download_object, name="object"),
    path("v1/oauth/", include("tenants.oauth.urls")),
    path("v1/orchestrator/", include("sessions_app.api.urls")),
    path("v1/orchestrator/", include("jobs.api.urls")),
    path("v1/", include("tenants.api.urls")),
]
if settings.PUBLIC_DOCS:
    urlpatterns += [
        path("openapi.json", SpectacularAPIView.as_view(), name="openapi"),
        path("docs", SpectacularSwaggerView.as_view(url_name="openapi"), name="docs"),
    ]
