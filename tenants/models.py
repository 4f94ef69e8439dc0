"""Tenants and what they own before any session: people, skeletons, published configuration."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from astra_site.lib.ids import new_id
from astra_site.lib.tenancy import TenantOwned


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
    """One immutable content of a skeleton, pinned by content hash and, where the store has them, version id."""

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
