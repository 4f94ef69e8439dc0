"""Addresses of the Tenant Config Service, below `/v1/`."""

from __future__ import annotations

from django.urls import path

from tenants.api.config import ConfigVersionView, NewestConfigView

CONFIG = "tenants/<uuid:tenant_id>/config"

urlpatterns = [
    path(CONFIG, NewestConfigView.as_view(), name="tenant-config"),
    path(f"{CONFIG}/<int:number>", ConfigVersionView.as_view(), name="tenant-config-version"),
]
