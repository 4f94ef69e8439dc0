"""Admin pages of the registry: staff registers models and adapters, a council's administrators activate them."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.auth.models import AbstractBaseUser
from django.db.models import Exists, ForeignKey, OuterRef, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin
from unfold.decorators import display
from unfold.widgets import UnfoldAdminSelectWidget

from astra_site.lib.admin import ADMINISTRATORS, ReadOnlyAdmin, holds_role, roles_of, short_hash
from astra_site.lib.tenancy import tenant_scope
from tenants.registry.engines import engine_names
from tenants.registry.models import Adapter, ModelActivation, RegisteredModel
from tenants.registry.services import activate_model


class RegisteredModelForm(forms.ModelForm):  # type: ignore[type-arg]  # not generic at run time
    """A model of one of the engines that there are."""

    engine = forms.ChoiceField(
        label=_("engine"), choices=lambda: [(name, name) for name in engine_names()], widget=UnfoldAdminSelectWidget
    )


@admin.register(RegisteredModel)
class RegisteredModelAdmin(ModelAdmin):  # type: ignore[misc]  # unfold ships no types
    """What can be activated. Everybody looks, platform staff registers."""

    form = RegisteredModelForm
    list_display = ["engine", "name", "note", "registered_at"]
    list_filter = ["engine"]
    search_fields = ["name"]
    fields = ["engine", "name", "note"]

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Show the section to every member."""
        return bool(request.user.is_superuser or roles_of(request))

    def has_view_permission(self, request: HttpRequest, obj: RegisteredModel | None = None) -> bool:
        """Let every member look."""
        return self.has_module_permission(request)

    def has_change_permission(self, request: HttpRequest, obj: RegisteredModel | None = None) -> bool:
        """Refuse: sessions have pinned it by its name."""
        return False


@admin.register(Adapter)
class AdapterAdmin(ReadOnlyAdmin):
    """A council's adapters. Members look, platform staff registers what was trained."""

    list_display = ["code", "base_model", "hash_start", "note", "registered_at"]
    search_fields = ["code"]
    fields = ["tenant", "code", "base_model", "address", "sha256", "note"]

    @display(description=_("content hash"))
    def hash_start(self, adapter: Adapter) -> str:
        """The beginning of the hash."""
        return short_hash(adapter.sha256)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Only platform staff knows what is trained."""
        return bool(request.user.is_superuser)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Let platform staff take back one that was never activated (the database refuses the others)."""
        return bool(request.user.is_superuser)


class ModelActivationForm(forms.ModelForm):  # type: ignore[type-arg]  # not generic at run time
    """A council, a model, and one of the council's own adapters."""

    def clean(self) -> dict[str, Any]:
        """Refuse an adapter of another council."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        adapter, tenant = cleaned.get("adapter"), cleaned.get("tenant")
        if adapter and tenant and adapter.tenant_id != tenant.pk:
            self.add_error("adapter", _("This adapter belongs to another council."))
        return cleaned


@admin.register(ModelActivation)
class ModelActivationAdmin(ReadOnlyAdmin):
    """What new sessions use, and what earlier ones did. Administrators activate; the history stays."""

    form = ModelActivationForm
    list_display = ["number", "model", "adapter", "in_force", "note", "activated_by", "activated_at"]
    list_select_related = ["tenant", "model", "adapter", "activated_by"]
    fields = ["tenant", "model", "adapter", "note"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[ModelActivation]:
        """Read with each row whether a later one of its council took over."""
        rows: QuerySet[ModelActivation] = super().get_queryset(request)
        later = ModelActivation.objects.filter(tenant_id=OuterRef("tenant_id"), number__gt=OuterRef("number"))
        return rows.annotate(was_replaced=Exists(later))

    @display(description=_("in force"), boolean=True)
    def in_force(self, activation: ModelActivation) -> bool:
        """Mark what new sessions use."""
        return not getattr(activation, "was_replaced", True)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Let the administrators of a tenant activate."""
        return holds_role(request, None, ADMINISTRATORS)

    def formfield_for_foreignkey(self, db_field: ForeignKey[Any, Any], request: HttpRequest, **kwargs: Any) -> Any:
        """Show adapters with their council to whoever sees several; the scope limits which."""
        field = super().formfield_for_foreignkey(db_field, request, **kwargs)
        if db_field.name == "adapter" and self._sees_several(request):
            field.queryset = field.queryset.select_related("tenant")
            field.label_from_instance = lambda adapter: f"{adapter.code} · {adapter.tenant}"
        return field

    def save_model(self, request: HttpRequest, obj: ModelActivation, form: Any, change: bool) -> None:
        """Activate through the service; the page then shows what is in force."""
        with tenant_scope(obj.tenant_id):
            made = activate_model(obj.model, obj.adapter, user=_person(request), note=obj.note)
        obj.pk, obj.number = made.pk, made.number
        obj._state.adding = False


def _person(request: HttpRequest) -> AbstractBaseUser | None:
    return request.user if isinstance(request.user, AbstractBaseUser) else None
