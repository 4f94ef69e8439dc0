"""What can be used, and what is: models for everybody, a council's adapters, and its activations."""

from __future__ import annotations

from django.conf import settings
from django.core.validators import RegexValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from astra_site.lib.ids import new_id
from astra_site.lib.tenancy import TenantOwned

_HASH = RegexValidator(r"\Asha256:[0-9a-f]{64}\Z", _("A hash is written as sha256: and 64 lower-case hex digits."))


class RegisteredModel(models.Model):
    """A model of a speech engine that this installation offers to every council. It belongs to none of them."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    engine = models.CharField(_("engine"), max_length=64)
    name = models.CharField(_("model"), max_length=200, help_text=_("A name that the engine knows, or a folder."))
    note = models.CharField(_("note"), max_length=300, default="", blank=True)
    registered_at = models.DateTimeField(_("registered"), auto_now_add=True)

    class Meta:
        verbose_name = _("registered model")
        verbose_name_plural = _("registered models")
        ordering = ["engine", "name"]
        constraints = [models.UniqueConstraint(fields=["engine", "name"], name="model_registered_once")]

    def __str__(self) -> str:
        return f"{self.engine}:{self.name}"


class Adapter(TenantOwned):
    """A council's own adapter (LoRA) for CORE, as it was trained: what it contains never changes under its code."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    code = models.CharField(_("code"), max_length=64, validators=[RegexValidator(r"\A[A-Za-z0-9][A-Za-z0-9_.-]*\Z")])
    base_model = models.CharField(_("trained on"), max_length=200, help_text=_("The model of CORE that it adapts."))
    address = models.CharField(_("address of the weights"), max_length=500)
    sha256 = models.CharField(_("content hash"), max_length=71, validators=[_HASH])
    note = models.CharField(_("note"), max_length=300, default="", blank=True)
    registered_at = models.DateTimeField(_("registered"), auto_now_add=True)

    class Meta(TenantOwned.Meta):
        verbose_name = _("adapter")
        verbose_name_plural = _("adapters")
        ordering = ["-registered_at"]
        constraints = [models.UniqueConstraint(fields=["tenant", "code"], name="adapter_code_once_per_tenant")]

    def __str__(self) -> str:
        return self.code


class ModelActivation(TenantOwned):
    """What a council's new sessions use from a moment on: numbered, never changed (a database trigger refuses it).

    The one with the highest number is in force. Going back is one more activation.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    number = models.PositiveIntegerField(_("number"))
    model = models.ForeignKey(RegisteredModel, on_delete=models.PROTECT, related_name="+", verbose_name=_("model"))
    adapter = models.ForeignKey(
        Adapter, on_delete=models.PROTECT, related_name="+", null=True, blank=True, verbose_name=_("adapter")
    )
    note = models.CharField(_("note"), max_length=300, default="", blank=True)
    activated_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        related_name="+",
        null=True,
        blank=True,
        verbose_name=_("activated by"),
    )
    activated_at = models.DateTimeField(_("activated"), auto_now_add=True)

    class Meta(TenantOwned.Meta):
        verbose_name = _("activation of a model")
        verbose_name_plural = _("activations of models")
        ordering = ["-number"]
        constraints = [models.UniqueConstraint(fields=["tenant", "number"], name="activation_number_once_per_tenant")]

    def __str__(self) -> str:
        return f"{self.number} · {self.model}"
