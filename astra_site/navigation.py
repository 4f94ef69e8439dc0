"""The admin's sidebar: what a tenant's people look for, in the order of their work."""

from __future__ import annotations

from typing import Any

from django.urls import reverse_lazy
from django.utils.translation import gettext_lazy as _


def _item(title: Any, icon: str, model: str) -> dict[str, Any]:
    return {"title": title, "icon": icon, "link": reverse_lazy(f"admin:{model}_changelist")}


NAVIGATION: list[dict[str, Any]] = [
    {
        "title": _("Minutes"),
        "items": [
            _item(_("Sessions"), "mic", "sessions_app_session"),
            _item(_("Jobs"), "conveyor_belt", "jobs_job"),
            _item(_("Sealed snapshots"), "verified", "custody_snapshot"),
        ],
    },
    {
        "title": _("Council"),
        "items": [
            _item(_("Tenants"), "account_balance", "tenants_tenant"),
            _item(_("Members of the team"), "group", "tenants_membership"),
            _item(_("Skeletons"), "description", "tenants_skeleton"),
            _item(_("Configuration versions"), "rule_settings", "tenants_configversion"),
        ],
    },
]
