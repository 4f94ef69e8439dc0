"""Addresses of the token endpoint, below `/v1/oauth/`."""

from __future__ import annotations

from django.urls import path

from tenants.oauth.views import TokenView

urlpatterns = [path("token", TokenView.as_view(), name="oauth-token")]
