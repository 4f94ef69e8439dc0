"""Bases of the admin pages: the tenant scope says which rows, the member's role says which actions."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Sequence
from typing import Any
from uuid import UUID

from django.contrib.admin import RelatedFieldListFilter
from django.db import models
from django.db.models import ForeignKey
from django.forms import ModelForm
from django.http import HttpRequest
from django.utils.html import format_html, format_html_join
from django.utils.text import capfirst
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin
from unfold.decorators import display

from astra_site.lib.tenancy import current_scope

ADMIN_ROLE = "admin"
CLERK_ROLE = "clerk"
ADMINISTRATORS = frozenset({ADMIN_ROLE})
OPERATORS = frozenset({ADMIN_ROLE, CLERK_ROLE})
_SHORT_HASH_CHARS = 19


def roles_of(request: HttpRequest) -> dict[UUID, str]:
    """Return the signed-in person's role by tenant, as the middleware found it."""
    return getattr(request, "tenant_roles", {})


def holds_role(request: HttpRequest, obj: models.Model | None, roles: Collection[str]) -> bool:
    """Say whether the person holds one of `roles` in the row's tenant; in any tenant when there is no row."""
    if request.user.is_superuser:
        return True
    held = roles_of(request)
    tenant_id = getattr(obj, "tenant_id", None)
    return held.get(tenant_id) in roles if tenant_id else any(role in roles for role in held.values())


def short_hash(written: str) -> str:
    """Return a hash as far as eyes compare it, the whole one as its title; a dash for none."""
    if not written:
        return "—"
    shown = written[:_SHORT_HASH_CHARS]
    return format_html('<span class="font-mono whitespace-nowrap" title="{}">{}…</span>', written, shown)


def whole_hash(written: str) -> str:
    """Return a hash in full, in letters of one width; a dash for none."""
    return format_html('<span class="font-mono break-all">{}</span>', written) if written else "—"


def pretty_json(value: Any) -> str:
    """Return a JSON value indented, for the pages' technical parts; a dash for nothing."""
    if not value:
        return "—"
    text = json.dumps(value, ensure_ascii=False, indent=2)
    return format_html('<pre class="text-xs whitespace-pre-wrap break-words">{}</pre>', text)


def html_table(headers: Sequence[Any], rows: Iterable[Sequence[Any]]) -> str:
    """Return a small read-only table for a field of a detail page; a dash for no rows."""
    head = format_html_join(
        "", '<th class="font-semibold pr-6 py-1 text-left">{}</th>', ((header,) for header in headers)
    )
    lines = [format_html_join("", '<td class="align-top pr-6 py-1">{}</td>', ((cell,) for cell in row)) for row in rows]
    if not lines:
        return "—"
    body = format_html_join("", "<tr>{}</tr>", ((line,) for line in lines))
    return format_html('<table class="text-sm"><thead><tr>{}</tr></thead><tbody>{}</tbody></table>', head, body)


_COLOURS = {
    "success": "bg-green-100 text-green-700 dark:bg-green-500/20 dark:text-green-400",
    "warning": "bg-orange-100 text-orange-700 dark:bg-orange-500/20 dark:text-orange-400",
    "danger": "bg-red-100 text-red-700 dark:bg-red-500/20 dark:text-red-400",
    "info": "bg-blue-100 text-blue-700 dark:bg-blue-500/20 dark:text-blue-400",
}
_NO_COLOUR = "bg-base-500/8 text-base-700 dark:bg-base-500/20 dark:text-base-200"


def badge(text: Any, variant: str) -> str:
    """Return a coloured label (`success`, `warning`, `danger`, `info` or any other for none)."""
    return format_html(
        '<span class="inline-block font-semibold h-6 leading-6 px-2 rounded-default text-[11px] uppercase '
        'whitespace-nowrap {}">{}</span>',
        _COLOURS.get(variant, _NO_COLOUR),
        text,
    )


class TenantFilter(RelatedFieldListFilter):
    """The tenants of the scope, and no other tenant's name."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Use the word that people use."""
        super().__init__(*args, **kwargs)
        self.title = gettext("tenant")

    def field_choices(self, field: Any, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """Offer the tenants that the person belongs to; every one to platform staff."""
        tenant_ids = current_scope().tenant_ids
        limit = {} if tenant_ids is None else {"pk__in": tenant_ids}
        choices: list[tuple[str, Any]] = field.get_choices(include_blank=False, limit_choices_to=limit)
        return choices


class TenantAdmin(ModelAdmin):  # type: ignore[misc]  # unfold ships no types
    """Admin of a tenant-owned model: members look, the administrators of the tenant change, platform staff do both."""

    list_per_page = 50
    show_full_result_count = False
    list_fullwidth = True

    def get_list_filter(self, request: HttpRequest) -> Any:
        """Offer the tenant filter only to whoever sees several tenants."""
        filters = list(super().get_list_filter(request))
        return [("tenant", TenantFilter), *filters] if self._sees_several(request) else filters

    def get_list_display(self, request: HttpRequest) -> Any:
        """Show the tenant's column only to whoever sees several tenants."""
        columns = list(super().get_list_display(request))
        return [*columns, "council"] if self._sees_several(request) else columns

    @display(description=_("tenant"), ordering="tenant__name")
    def council(self, row: Any) -> str:
        """Name the tenant."""
        return str(row.tenant)

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Any]:
        """Read the tenant with the row."""
        rows: models.QuerySet[Any] = super().get_queryset(request)
        return rows.select_related("tenant")

    def get_form(
        self, request: HttpRequest, obj: models.Model | None = None, change: bool = False, **kwargs: Any
    ) -> type[ModelForm[Any]]:
        """Keep a row with the tenant that it was made for (still in the form, so that uniqueness is checked)."""
        form: type[ModelForm[Any]] = super().get_form(request, obj, change, **kwargs)
        if "tenant" in form.base_fields:
            form.base_fields["tenant"].label = capfirst(gettext("tenant"))
            form.base_fields["tenant"].disabled = obj is not None
        return form

    def formfield_for_foreignkey(self, db_field: ForeignKey[Any, Any], request: HttpRequest, **kwargs: Any) -> Any:
        """Offer only the tenants that the person administers; a single one is chosen already."""
        if db_field.name == "tenant" and not request.user.is_superuser:
            own = [tenant_id for tenant_id, role in roles_of(request).items() if role == ADMIN_ROLE]
            kwargs["queryset"] = db_field.related_model._default_manager.filter(pk__in=own)
            if len(own) == 1:
                kwargs["initial"] = own[0]
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Show the section to every member."""
        return bool(request.user.is_superuser or roles_of(request))

    def has_view_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        """Let every member look; the rows are limited by the scope already."""
        return self.has_module_permission(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Let administrators of a tenant add."""
        return holds_role(request, None, ADMINISTRATORS)

    def has_change_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        """Let administrators of the row's tenant change it."""
        return holds_role(request, obj, ADMINISTRATORS)

    def has_delete_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        """Let administrators of the row's tenant delete it."""
        return holds_role(request, obj, ADMINISTRATORS)

    @staticmethod
    def _sees_several(request: HttpRequest) -> bool:
        return bool(request.user.is_superuser or len(roles_of(request)) > 1)


class ReadOnlyAdmin(TenantAdmin):
    """Rows that people look at and never edit here: they come from the services and are kept."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Refuse."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        """Refuse."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        """Refuse."""
        return False
