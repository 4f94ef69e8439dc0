"""The form of an API client: what it is called, what it may do, until when."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from astra_site.lib.clock import utc_now
from tenants.models import ApiClient
from tenants.roles import ALL_SCOPES

SCOPE_LABELS = {
    "sessions:read": _("read sessions, blocks and minutes"),
    "sessions:write": _("record, correct and finalize sessions"),
    "sessions:admin": _("resume abandoned sessions"),
    "jobs:read": _("read jobs"),
    "jobs:write": _("start, cancel and retry jobs"),
    "config:read": _("read the council's configuration"),
}


class ApiClientForm(forms.ModelForm):  # type: ignore[type-arg]  # not generic at run time
    """Name, permissions and end of a client; the secret is not in it."""

    scopes = forms.MultipleChoiceField(
        label=_("Permissions"),
        choices=[(scope, SCOPE_LABELS.get(scope, scope)) for scope in ALL_SCOPES],
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
        help_text=_("Changing them ends the tokens that the client holds; it asks for another one."),
    )

    class Meta:
        model = ApiClient
        fields = ["tenant", "name", "scopes", "expires_at"]

    def clean_expires_at(self) -> Any:
        """Refuse an end that has passed."""
        ends_at = self.cleaned_data.get("expires_at")
        if ends_at is not None and "expires_at" in self.changed_data and ends_at <= utc_now():
            raise forms.ValidationError(_("This moment has passed."))
        return ends_at
