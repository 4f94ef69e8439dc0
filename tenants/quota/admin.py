"""Admin pages of quota: where each council stands, staff's form for limits and top-ups, the ledger."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db import transaction
from django.db.models import F, OuterRef, QuerySet, Subquery
from django.db.models.functions import JSONObject
from django.http import HttpRequest
from django.template.defaultfilters import filesizeformat
from django.template.loader import render_to_string
from django.utils.formats import number_format
from django.utils.timezone import localtime
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin
from unfold.decorators import display
from unfold.widgets import UnfoldAdminDecimalFieldWidget, UnfoldAdminTextInputWidget

from astra_site.lib.admin import ReadOnlyAdmin, html_table, roles_of
from astra_site.lib.clock import utc_now
from astra_site.lib.error_texts import explain
from astra_site.lib.errors import AstraError
from astra_site.lib.ids import new_id
from astra_site.lib.tenancy import tenant_scope
from tenants.models import CouncilQuota, QuotaAccount, QuotaEntry, Resource
from tenants.quota.ledger import account_of, period_of
from tenants.quota.services import Usage, set_limit, top_up, usage_of
from tenants.quota.standing import Standing
from tenants.quota.units import from_gb, from_hours, to_gb, to_hours

_LISTED_ENTRIES = 20
_DANGER_PERCENT, _WARNING_PERCENT = 100, 80


def words_for(resource: str, amount: int | None) -> str:
    """Return an amount as people say it: hours of audio, or bytes in the unit that fits."""
    if amount is None:
        return gettext("no limit")
    if resource == Resource.AI_MS:
        return gettext("%(hours)s h") % {"hours": number_format(to_hours(amount).normalize(), use_l10n=True)}
    return filesizeformat(amount)


def progress(resource: Resource, usage: Usage) -> str:
    """Return what is used of how much, with a bar where there is a limit."""
    used, total = usage.standing.used, usage.total
    shown = {"used": words_for(resource, used), "total": words_for(resource, total)}
    words = " · ".join(shown.values()) if total is None else gettext("%(used)s of %(total)s") % shown
    percent = 0 if total is None else min(100, 100 * used // total if total else 100)
    colour = "bg-red-500" if percent >= _DANGER_PERCENT else "bg-orange-500" if percent >= _WARNING_PERCENT else ""
    bar = {"description": words, "value": percent, "progress_class": colour}
    return render_to_string("unfold/components/progress.html", bar)


class QuotaForm(forms.ModelForm):  # type: ignore[type-arg]  # not generic at run time
    """Limits and top-ups; platform staff's alone. An empty limit means none."""

    ai_hours_per_month = forms.DecimalField(
        label=_("AI time a month (hours)"),
        required=False,
        min_value=Decimal(0),
        help_text=_("Empty: no limit. It holds at once and in the months that follow."),
        widget=UnfoldAdminDecimalFieldWidget,
    )
    storage_gb = forms.DecimalField(
        label=_("storage (GB)"),
        required=False,
        min_value=Decimal(0),
        help_text=_("Empty: no limit."),
        widget=UnfoldAdminDecimalFieldWidget,
    )
    add_ai_hours = forms.DecimalField(
        label=_("add AI time (hours)"),
        required=False,
        min_value=Decimal(0),
        help_text=_("Used after the month's own; what is left stays for later months."),
        widget=UnfoldAdminDecimalFieldWidget,
    )
    add_storage_gb = forms.DecimalField(
        label=_("add storage (GB)"), required=False, min_value=Decimal(0), widget=UnfoldAdminDecimalFieldWidget
    )
    note = forms.CharField(
        label=_("note"),
        max_length=300,
        required=False,
        help_text=_("Why: contract, invoice, who asked for it. The ledger keeps it."),
        widget=UnfoldAdminTextInputWidget,
    )
    form_id = forms.UUIDField(initial=new_id, widget=forms.HiddenInput)

    class Meta:
        model = CouncilQuota
        fields: list[str] = []

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Show the limits that are set."""
        super().__init__(*args, **kwargs)
        if self.instance.pk is None:
            return
        hours, gigabytes = (account_of(self.instance.pk, resource).limit for resource in Resource)
        self.fields["ai_hours_per_month"].initial = None if hours is None else to_hours(hours)
        self.fields["storage_gb"].initial = None if gigabytes is None else to_gb(gigabytes)

    def clean(self) -> dict[str, Any]:
        """Ask for a note where something is changed."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if set(self.changed_data) - {"note", "form_id"} and not cleaned.get("note", "").strip():
            self.add_error("note", _("Say why: the ledger keeps it."))
        return cleaned


@admin.register(CouncilQuota)
class CouncilQuotaAdmin(ModelAdmin):  # type: ignore[misc]  # unfold ships no types
    """What each council may use and has used. Members see their own; platform staff set limits and top up."""

    form = QuotaForm
    list_display = ["name", "ai_time", "storage"]
    search_fields = ["name", "slug"]
    readonly_fields = ["ai_detail", "storage_detail", "newest_entries"]

    def get_fieldsets(self, request: HttpRequest, obj: CouncilQuota | None = None) -> Any:
        """Show the form to staff, and to others the standing alone."""
        shown: list[Any] = [
            (None, {"fields": ["ai_detail", "storage_detail"]}),
            (_("Ledger"), {"fields": ["newest_entries"]}),
        ]
        if not self.has_change_permission(request, obj):
            return shown
        change = {
            "fields": ["add_ai_hours", "add_storage_gb", "ai_hours_per_month", "storage_gb", "note", "form_id"],
        }
        return [shown[0], (_("Top up, or change the limits"), change), shown[1]]

    def get_queryset(self, request: HttpRequest) -> QuerySet[CouncilQuota]:
        """Limit to the member's councils, and read both accounts with the list."""
        rows: QuerySet[CouncilQuota] = super().get_queryset(request)
        accounts = QuotaAccount.objects.filter(tenant_id=OuterRef("pk"))
        stored = JSONObject(period=F("period"), limit=F("limit"), extra=F("extra"), used=F("used"))
        rows = rows.annotate(
            **{
                f"account_{resource.value}": Subquery(accounts.filter(resource=resource).values_list(stored)[:1])
                for resource in Resource
            }
        )
        return rows if request.user.is_superuser else rows.filter(pk__in=roles_of(request))

    @display(description=_("AI time this month"))
    def ai_time(self, council: CouncilQuota) -> str:
        """Used of the month's hours."""
        return progress(Resource.AI_MS, _listed(council, Resource.AI_MS))

    @display(description=_("storage"))
    def storage(self, council: CouncilQuota) -> str:
        """Used of the storage."""
        return progress(Resource.STORAGE_BYTES, _listed(council, Resource.STORAGE_BYTES))

    @display(description=_("AI time this month"))
    def ai_detail(self, council: CouncilQuota) -> str:
        """Everything about the month's hours, what is reserved now included."""
        return _detail(council, Resource.AI_MS)

    @display(description=_("storage"))
    def storage_detail(self, council: CouncilQuota) -> str:
        """Everything about the storage."""
        return _detail(council, Resource.STORAGE_BYTES)

    @display(description=_("newest entries"))
    def newest_entries(self, council: CouncilQuota) -> str:
        """The end of the ledger."""
        entries = QuotaEntry.objects.filter(tenant_id=council.pk).order_by("-recorded_at", "-id")[:_LISTED_ENTRIES]
        rows = (
            (
                localtime(entry.recorded_at).strftime("%Y-%m-%d %H:%M"),
                entry.get_kind_display(),
                entry.get_resource_display(),
                words_for(entry.resource, entry.amount),
                entry.actor or "—",
                entry.note or "—",
            )
            for entry in entries
        )
        return html_table((_("When"), _("Entry"), _("Resource"), _("Amount"), _("Who"), _("Note")), rows)

    def save_model(self, request: HttpRequest, obj: CouncilQuota, form: Any, change: bool) -> None:
        """Enter what was asked for in the ledger, all or nothing. The council itself is not written."""
        said = {"actor": f"admin:{request.user.get_username()}", "note": form.cleaned_data["note"]}
        try:
            with tenant_scope(obj.pk), transaction.atomic():
                _change(obj, form, said)
        except AstraError as error:
            self.message_user(request, explain(error), messages.ERROR)

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Show the section to every member."""
        return bool(request.user.is_superuser or roles_of(request))

    def has_view_permission(self, request: HttpRequest, obj: CouncilQuota | None = None) -> bool:
        """Let every member look at the own council's."""
        return self.has_module_permission(request)

    def has_change_permission(self, request: HttpRequest, obj: CouncilQuota | None = None) -> bool:
        """Only platform staff sell."""
        return bool(request.user.is_superuser)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Councils are made on their own page."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: CouncilQuota | None = None) -> bool:
        """Councils are not removed here."""
        return False


@admin.register(QuotaEntry)
class QuotaEntryAdmin(ReadOnlyAdmin):
    """The ledger: read-only for everybody, append-only in the database."""

    list_display = ["recorded_at", "resource", "kind", "in_words", "period", "actor", "note", "reference"]
    list_filter = ["resource", "kind", "period"]
    search_fields = ["reference", "note", "actor"]
    date_hierarchy = "recorded_at"

    @display(description=_("amount"), ordering="amount")
    def in_words(self, entry: QuotaEntry) -> str:
        """The amount in hours or bytes."""
        return words_for(entry.resource, entry.amount)


def _listed(council: CouncilQuota, resource: Resource) -> Usage:
    """Return the account as the list has read it; what is reserved at the moment is on the council's own page."""
    stored = getattr(council, f"account_{resource.value}", None) or {}
    return Usage(Standing(**stored).in_period(period_of(resource, utc_now())), held=0)


def _detail(council: CouncilQuota, resource: Resource) -> str:
    usage = usage_of(council.pk, resource)
    standing = usage.standing
    rows = [
        (_("used"), words_for(resource, standing.used)),
        (_("reserved by work in progress"), words_for(resource, usage.held)),
        (_("limit"), words_for(resource, standing.limit)),
        (_("topped up"), words_for(resource, standing.extra)),
        (_("left"), words_for(resource, usage.left)),
    ]
    return progress(resource, usage) + html_table((_("What"), _("How much")), rows)


def _change(council: CouncilQuota, form: QuotaForm, said: Mapping[str, Any]) -> None:
    """Call the services for what the form changes. The form's id makes a doubled click one top-up."""
    given = form.cleaned_data
    fields: tuple[tuple[Resource, str, str, Callable[[Decimal], int]], ...] = (
        (Resource.AI_MS, "ai_hours_per_month", "add_ai_hours", from_hours),
        (Resource.STORAGE_BYTES, "storage_gb", "add_storage_gb", from_gb),
    )
    for resource, limit, more, unit in fields:
        if limit in form.changed_data:
            set_limit(council.pk, resource, None if given[limit] is None else unit(given[limit]), **said)
        if given[more]:
            top_up(council.pk, resource, unit(given[more]), reference=f"form:{given['form_id']}", **said)
