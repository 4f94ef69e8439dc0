"""The admin's sidebar: what a tenant's people look for, in the order of their work."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.apps import apps
from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse_lazy
from django.utils.translation import gettext_lazy as _


def _item(title: Any, icon: str, app_label: str, model: str) -> dict[str, Any]:
    return {
        "title": title,
        "icon": icon,
        "link": reverse_lazy(f"admin:{app_label}_{model}_changelist"),
        "permission": _may_view(app_label, model),
    }


def _may_view(app_label: str, model: str) -> Callable[[HttpRequest], bool]:
    """Return the check that hides a link from whoever may not see its page."""

    def check(request: HttpRequest) -> bool:
        page = admin.site.get_model_admin(apps.get_model(app_label, model))
        return page.has_view_permission(request)

    return check


NAVIGATION: list[dict[str, Any]] = [
    {
        "title": _("Minutes"),
        "items": [
            {"title": _("Overview"), "icon": "dashboard", "link": reverse_lazy("admin:index")},
            _item(_("Sessions"), "mic", "sessions_app", "session"),
            _item(_("Jobs"), "conveyor_belt", "jobs", "job"),
            _item(_("Sealed snapshots"), "verified", "custody", "snapshot"),
            _item(_("Recordings in custody"), "inventory_2", "custody", "heldobject"),
        ],
    },
    {
        "title": _("Council"),
        "items": [
            _item(_("Tenants"), "account_balance", "tenants", "tenant"),
            _item(_("Members of the team"), "group", "tenants", "membership"),
            _item(_("API clients"), "key", "tenants", "apiclient"),
            _item(_("Skeletons"), "description", "tenants", "skeleton"),
            _item(_("Mapping"), "account_tree", "tenants", "mappedcouncil"),
            _item(_("Configuration versions"), "rule_settings", "tenants", "configversion"),
            _item(_("Models in use"), "model_training", "tenants", "modelactivation"),
            _item(_("Adapters"), "tune", "tenants", "adapter"),
            _item(_("Quota"), "speed", "tenants", "councilquota"),
            _item(_("Quota ledger"), "receipt_long", "tenants", "quotaentry"),
        ],
    },
    {
        "title": _("Platform"),
        "items": [
            _item(_("Users"), "person", "auth", "user"),
            _item(_("Registered models"), "neurology", "tenants", "registeredmodel"),
        ],
    },
]

# The admin's own colour, from pale to dark (Tailwind's blue).
BLUE: dict[str, str] = {
    "50": "oklch(97% .014 254.604)",
    "100": "oklch(93.2% .032 255.585)",
    "200": "oklch(88.2% .059 254.128)",
    "300": "oklch(80.9% .105 251.813)",
    "400": "oklch(70.7% .165 254.624)",
    "500": "oklch(62.3% .214 259.815)",
    "600": "oklch(48.8% .243 264.376)",
    "700": "oklch(42.4% .199 265.638)",
    "800": "oklch(37.9% .146 265.522)",
    "900": "oklch(28.2% .091 267.935)",
    "950": "oklch(21% .07 267.9)",
}
