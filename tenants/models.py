"""Tenants and what they own before any session: people, skeletons, published configuration."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from astra_site.lib.ids import new_id
from astra_site.lib.tenancy import TenantOwned
from tenants.identity_models import ApiClient, ApiClientEvent, ClientEventKind, PersonIdentity
from tenants.registry.models import Adapter, ModelActivation, RegisteredModel

__all__ = [
    "Adapter",
    "ApiClient",
    "ApiClientEvent",
    "ClientEventKind",
    "ConfigVersion",
    "CouncilQuota",
    "Membership",
    "ModelActivation",
    "PersonIdentity",
    "QuotaAccount",
    "QuotaEntry",
    "QuotaEntryKind",
    "RegisteredModel",
    "Resource",
    "Role",
    "Skeleton",
    "SkeletonVersion",
    "Tenant",
]


class Tenant(models.Model):
    """A council. The root of ownership, so it is the one model here that is not tenant-owned itself."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    slug = models.SlugField(_("short name"), unique=True)
    name = models.CharField(_("name"), max_length=200)
    is_active = models.BooleanField(_("active"), default=True)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    class Meta:
        verbose_name = _("tenant")
        verbose_name_plural = _("tenants")
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class Role(models.TextChoices):
    """What a member may do in a tenant."""

    ADMIN = "admin", _("Administrator")
    CLERK = "clerk", _("Clerk")
    VIEWER = "viewer", _("Viewer")


class Membership(TenantOwned):
    """A person's role in a tenant."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, verbose_name=_("user"))
    role = models.CharField(_("role"), max_length=10, choices=Role.choices)
    created_at = models.DateTimeField(_("since"), auto_now_add=True)

    class Meta(TenantOwned.Meta):
        verbose_name = _("membership")
        verbose_name_plural = _("memberships")
        constraints = [models.UniqueConstraint(fields=["tenant", "user"], name="one_role_per_tenant")]

    def __str__(self) -> str:
        return f"{self.user} · {self.get_role_display()}"


class Skeleton(TenantOwned):
    """A Word document into which minutes are written; its content lives in versions."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    code = models.CharField(_("code"), max_length=64)
    name = models.CharField(_("name"), max_length=200)
    is_default = models.BooleanField(_("default"), default=False)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    class Meta(TenantOwned.Meta):
        verbose_name = _("skeleton")
        verbose_name_plural = _("skeletons")
        ordering = ["code"]
        constraints = [
            models.UniqueConstraint(fields=["tenant", "code"], name="skeleton_code_once_per_tenant"),
            models.UniqueConstraint(
                fields=["tenant"], condition=models.Q(is_default=True), name="one_default_skeleton_per_tenant"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.code} · {self.name}"


class SkeletonVersion(TenantOwned):
    """One immutable content of a skeleton, pinned by content hash and, where the store has them, version id.

    `placeholders`, `outline` and `warnings` are what the parser found when it was uploaded (`tenants.skeleton.Skeleton`
    as JSON); versions from before it reported the last two have them empty.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    skeleton = models.ForeignKey(
        Skeleton, on_delete=models.PROTECT, related_name="versions", verbose_name=_("skeleton")
    )
    number = models.PositiveIntegerField(_("version"))
    object_key = models.CharField(max_length=300)
    s3_version_id = models.CharField(_("store version"), max_length=200, default="", blank=True)
    sha256 = models.CharField(_("content hash"), max_length=71)
    size_bytes = models.PositiveIntegerField(_("size in bytes"))
    placeholders = models.JSONField(_("placeholders"), default=list)
    outline = models.JSONField(_("outline"), default=list, blank=True)
    warnings = models.JSONField(_("warnings"), default=list, blank=True)
    created_at = models.DateTimeField(_("uploaded"), auto_now_add=True)

    class Meta(TenantOwned.Meta):
        verbose_name = _("skeleton version")
        verbose_name_plural = _("skeleton versions")
        ordering = ["skeleton", "-number"]
        constraints = [
            models.UniqueConstraint(fields=["skeleton", "number"], name="skeleton_version_number_once"),
            models.UniqueConstraint(fields=["skeleton", "sha256"], name="skeleton_content_once"),
        ]

    def __str__(self) -> str:
        return f"{self.skeleton.code} v{self.number}"


class ConfigVersion(TenantOwned):
    """A published configuration: numbered, hashed, never changed (a database trigger refuses it)."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    number = models.PositiveIntegerField(_("number"))
    content = models.JSONField(_("content"))
    sha256 = models.CharField(_("content hash"), max_length=71)
    note = models.CharField(_("note"), max_length=300, default="", blank=True)
    published_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, verbose_name=_("published by")
    )
    published_at = models.DateTimeField(_("published"), auto_now_add=True)

    class Meta(TenantOwned.Meta):
        verbose_name = _("configuration version")
        verbose_name_plural = _("configuration versions")
        ordering = ["-number"]
        constraints = [models.UniqueConstraint(fields=["tenant", "number"], name="config_number_once_per_tenant")]

    def __str__(self) -> str:
        return f"v{self.number}"


class ConfigDraft(TenantOwned):
    """A council's configuration as it is being edited, one per council; `revision` counts its changes, never back.

    `base` is the version it was made from. What it changes of it is put on top of what is published when it is read.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    base = models.ForeignKey(ConfigVersion, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    content = models.JSONField(_("content"))
    revision = models.PositiveIntegerField(_("revision"), default=0)
    updated_at = models.DateTimeField(_("changed"), auto_now=True)

    class Meta(TenantOwned.Meta):
        verbose_name = _("draft of the configuration")
        verbose_name_plural = _("drafts of the configuration")
        constraints = [models.UniqueConstraint(fields=["tenant"], name="one_config_draft_per_tenant")]

    def __str__(self) -> str:
        return f"{self.tenant_id} · {self.revision}"


class ConfigEdit(TenantOwned):
    """Who changed what in the configuration, and when: never changed itself (a database trigger refuses it).

    `revision` is the draft's after the change. `differences` are those between before and after; what publishes or
    rolls back names the version's number in `version`.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    revision = models.PositiveIntegerField(_("revision"))
    operation = models.CharField(_("what"), max_length=32)
    differences = models.JSONField(_("differences"), default=list)
    version = models.PositiveIntegerField(_("version"), null=True, blank=True)
    actor = models.CharField(_("who"), max_length=200)
    recorded_at = models.DateTimeField(_("when"), auto_now_add=True)

    class Meta(TenantOwned.Meta):
        verbose_name = _("change of the configuration")
        verbose_name_plural = _("changes of the configuration")
        ordering = ["-recorded_at", "-id"]
        constraints = [models.UniqueConstraint(fields=["tenant", "revision"], name="config_edit_revision_once")]

    def __str__(self) -> str:
        return f"{self.revision} · {self.operation}"


class TemplateSighting(TenantOwned):
    """How often CORE found a template in the council's sessions, with a few texts. A count, no proof."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    template_id = models.CharField(_("template"), max_length=120)
    intent = models.CharField(_("intent"), max_length=64)
    label = models.CharField(_("what it is"), max_length=300)
    count = models.PositiveBigIntegerField(_("times"), default=0)
    samples = models.JSONField(_("samples"), default=list)
    last_seen_at = models.DateTimeField(_("last time"))

    class Meta(TenantOwned.Meta):
        verbose_name = _("template that occurred")
        verbose_name_plural = _("templates that occurred")
        constraints = [models.UniqueConstraint(fields=["tenant", "template_id"], name="template_sighting_once")]

    def __str__(self) -> str:
        return f"{self.template_id}: {self.count}"


class MappedCouncil(Tenant):
    """The councils again, for the page on which templates are mapped to the skeleton."""

    class Meta:
        proxy = True
        verbose_name = _("mapping")
        verbose_name_plural = _("mappings")


class Resource(models.TextChoices):
    """What is limited. The value names the unit of every amount."""

    AI_MS = "ai_ms", _("AI time")
    STORAGE_BYTES = "storage_bytes", _("storage")


class QuotaEntryKind(models.TextChoices):
    """What an entry of the ledger tells."""

    LIMIT = "limit", _("Limit set")
    TOP_UP = "top_up", _("Top-up")
    SETTLE = "settle", _("Used")
    ADJUST = "adjust", _("Adjustment")
    RESERVE = "reserve", _("Reserved")
    RELEASE = "release", _("Given back")


class QuotaAccount(TenantOwned):
    """Where a council stands with one resource: the sum of its ledger entries, kept with each of them.

    Its row is the lock that puts the entries of an account in one order. The ledger can give it anew at any time.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    resource = models.CharField(_("resource"), max_length=16, choices=Resource.choices)
    period = models.CharField(_("month"), max_length=7, default="", blank=True)
    limit = models.BigIntegerField(_("limit"), null=True, blank=True)
    extra = models.BigIntegerField(_("topped up"), default=0)
    used = models.BigIntegerField(_("used"), default=0)
    number = models.PositiveBigIntegerField(_("entries"), default=0)

    class Meta(TenantOwned.Meta):
        verbose_name = _("quota account")
        verbose_name_plural = _("quota accounts")
        constraints = [models.UniqueConstraint(fields=["tenant", "resource"], name="quota_account_once")]

    def __str__(self) -> str:
        return f"{self.tenant_id} · {self.resource}"


class QuotaEntry(TenantOwned):
    """One line of the ledger, numbered from 1 per account, never changed (a database trigger refuses it).

    `amount` is in the resource's unit; a limit's is the new limit, null for none. `reference` names what the entry is
    for, and what is settled, topped up or adjusted under one reference is so once. `expires_at` ends a reservation.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    resource = models.CharField(_("resource"), max_length=16, choices=Resource.choices)
    number = models.PositiveBigIntegerField(_("number"))
    kind = models.CharField(_("entry"), max_length=8, choices=QuotaEntryKind.choices)
    amount = models.BigIntegerField(_("amount"), null=True)
    period = models.CharField(_("month"), max_length=7, default="", blank=True)
    reference = models.CharField(_("for"), max_length=200, default="", blank=True)
    session_id = models.UUIDField(_("session"), null=True, blank=True)
    actor = models.CharField(_("who"), max_length=200, default="", blank=True)
    note = models.CharField(_("note"), max_length=300, default="", blank=True)
    expires_at = models.DateTimeField(_("until"), null=True, blank=True)
    recorded_at = models.DateTimeField(_("recorded"))

    class Meta(TenantOwned.Meta):
        verbose_name = _("quota entry")
        verbose_name_plural = _("quota ledger")
        ordering = ["-recorded_at", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["tenant", "resource", "number"], name="quota_number_once"),
            models.UniqueConstraint(
                fields=["tenant", "resource", "kind", "reference"],
                condition=models.Q(kind__in=["settle", "top_up", "adjust"]) & ~models.Q(reference=""),
                name="quota_reference_once",
            ),
        ]
        indexes = [
            models.Index(
                fields=["tenant", "resource", "expires_at"],
                condition=models.Q(kind="reserve"),
                name="quota_reserved_in_ledger",
            ),
            models.Index(fields=["session_id", "resource", "number"], name="quota_of_session"),
        ]

    def __str__(self) -> str:
        return f"{self.number} · {self.kind}"


class CouncilQuota(Tenant):
    """The councils again, for the page that shows what each may use and has used."""

    class Meta:
        proxy = True
        verbose_name = _("quota")
        verbose_name_plural = _("quotas")
