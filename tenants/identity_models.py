"""Who signs in and who calls: persons of an identity provider, and the API clients of a council."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from astra_site.lib.ids import new_id
from astra_site.lib.tenancy import TenantOwned


class PersonIdentity(models.Model):
    """The account of a person whom an identity provider knows: its name and the person's `sub` there, for ever.

    Neither an address nor a user name says who somebody is: both change, and are given to others.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="identity", verbose_name=_("user")
    )
    issuer = models.CharField(_("identity provider"), max_length=300)
    subject = models.CharField(_("subject"), max_length=255)
    created_at = models.DateTimeField(_("since"), auto_now_add=True)
    last_login_at = models.DateTimeField(_("last sign-in"), null=True)

    class Meta:
        verbose_name = _("identity")
        verbose_name_plural = _("identities")
        constraints = [models.UniqueConstraint(fields=["issuer", "subject"], name="identity_once")]

    def __str__(self) -> str:
        return f"{self.issuer} · {self.subject}"


class ApiClient(TenantOwned):
    """A program that calls the API for a council with a secret of its own (RFC 6749, client credentials).

    Its id is the `client_id`. Of the secret only a hash is kept. `generation` counts the changes that end the tokens
    that were issued before: a new secret, other scopes, revoking.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    name = models.CharField(_("name"), max_length=100)
    scopes = models.JSONField(_("scopes"), default=list)
    secret_hash = models.CharField(max_length=71, editable=False)
    generation = models.PositiveIntegerField(default=1, editable=False)
    is_active = models.BooleanField(_("active"), default=True)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    expires_at = models.DateTimeField(
        _("expires"), null=True, blank=True, help_text=_("From then on it gets no tokens. Empty: it does not expire.")
    )
    last_used_at = models.DateTimeField(_("last used"), null=True, editable=False)

    class Meta(TenantOwned.Meta):
        verbose_name = _("API client")
        verbose_name_plural = _("API clients")
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["tenant", "name"], name="client_name_once_per_tenant")]

    def __str__(self) -> str:
        return self.name


class ClientEventKind(models.TextChoices):
    """What happened to an API client."""

    CREATED = "created", _("Created")
    CHANGED = "changed", _("Changed")
    SECRET = "secret", _("New secret")
    TOKEN = "token", _("Token issued")
    REVOKED = "revoked", _("Revoked")
    RESTORED = "restored", _("Put back")


class ApiClientEvent(TenantOwned):
    """One line of an API client's history, never changed (a database trigger refuses it)."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    client = models.ForeignKey(ApiClient, on_delete=models.PROTECT, related_name="events", verbose_name=_("API client"))
    kind = models.CharField(_("what"), max_length=8, choices=ClientEventKind.choices)
    actor = models.CharField(_("who"), max_length=200)
    details = models.JSONField(_("details"), default=dict)
    recorded_at = models.DateTimeField(_("when"), auto_now_add=True)

    class Meta(TenantOwned.Meta):
        verbose_name = _("event of an API client")
        verbose_name_plural = _("events of API clients")
        ordering = ["-recorded_at", "-id"]
        indexes = [models.Index(fields=["client", "-recorded_at"], name="events_of_client")]

    def __str__(self) -> str:
        return f"{self.client_id} · {self.kind}"
