"""Addresses of signing in, below `/oidc/`; they answer 404 while no provider is configured."""

from __future__ import annotations

from django.urls import path

from tenants.oidc.views import CallbackView, SignInView

urlpatterns = [
    path("authenticate/", SignInView.as_view(), name="oidc_authentication_init"),
    path("callback/", CallbackView.as_view(), name="oidc_authentication_callback"),
]
