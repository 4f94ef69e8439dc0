"""The verbs that write a tenant's configuration."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction
from django.db.models import Max

from astra_site.lib.hashing import Sha256
from astra_site.lib.object_store import Bucket, object_store
from astra_site.lib.tenancy import current_tenant_id
from tenants.config.checks import FITTING, Place, Problem, problems
from tenants.config.schema import ConfigContent
from tenants.config_service.service import announce
from tenants.errors import ConfigInvalid, NothingPublished
from tenants.models import ConfigVersion, Skeleton, SkeletonVersion, Tenant
from tenants.skeleton import parse_skeleton

DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"


def add_skeleton_version(skeleton: Skeleton, docx: bytes) -> SkeletonVersion:
    """Check a DOCX, store it and record it as the skeleton's newest version.

    The same content again returns the version it already is. Raises the parser's errors (`skeleton_…`); nothing is
    stored then.
    """
    parsed = parse_skeleton(docx).to_json()
    digest = Sha256.of(docx)
    stored = object_store().put(Bucket.SKELETONS, f"{skeleton.tenant_id}/{skeleton.id}/{digest.hex}.docx", docx, DOCX)
    with transaction.atomic():
        Skeleton.objects.select_for_update().get(pk=skeleton.pk)
        known = SkeletonVersion.objects.filter(skeleton=skeleton, sha256=str(digest)).first()
        if known is not None:
            version: SkeletonVersion = known
            return version
        newest = SkeletonVersion.objects.filter(skeleton=skeleton).aggregate(n=Max("number"))["n"] or 0
        version = SkeletonVersion.objects.create(
            tenant_id=skeleton.tenant_id,
            skeleton=skeleton,
            number=newest + 1,
            object_key=stored.key,
            s3_version_id=stored.version_id or "",
            sha256=str(digest),
            size_bytes=len(docx),
            placeholders=parsed["placeholders"],
            outline=parsed["outline"],
            warnings=parsed["warnings"],
        )
        return version


def publish_config(
    content: Mapping[str, Any], *, user: AbstractBaseUser | None = None, note: str = ""
) -> ConfigVersion:
    """Validate a configuration against its schema and the default skeleton, and publish it as the next version.

    Raises `ConfigInvalid` with every problem found. Publishing the content that is already the newest returns it.
    """
    config = ConfigContent.read(content)
    skeleton = default_skeleton_version()
    found = problems(config, Place.all_of(skeleton.placeholders))
    _refuse(skeleton, [problem for problem in found if problem.is_error])
    return _next_version(config.to_json(), user, note)


def check_config_fits(version: ConfigVersion, skeleton: SkeletonVersion) -> None:
    """Raise `ConfigInvalid` (`config_does_not_fit_skeleton`) unless the skeleton has every place the version names."""
    found = problems(ConfigContent.read(version.content), Place.all_of(skeleton.placeholders))
    _refuse(skeleton, [problem for problem in found if problem.code in FITTING])


def _refuse(skeleton: SkeletonVersion, found: Sequence[Problem]) -> None:
    if found:
        sentences = [problem.message for problem in found]
        raise ConfigInvalid(
            "config_does_not_fit_skeleton",
            f"The configuration does not fit the skeleton {skeleton.skeleton.code}: " + " ".join(sentences),
            details={"problems": sentences, "found": [problem.to_json() for problem in found]},
        )


def _next_version(content: dict[str, Any], user: AbstractBaseUser | None, note: str) -> ConfigVersion:
    tenant_id = current_tenant_id()
    digest = str(Sha256.of_json(content))
    with transaction.atomic():
        Tenant.objects.select_for_update().get(pk=tenant_id)
        newest: ConfigVersion | None = ConfigVersion.objects.order_by("-number").first()
        if newest is not None and newest.sha256 == digest:
            return newest
        published: ConfigVersion = ConfigVersion.objects.create(
            tenant_id=tenant_id,
            number=(newest.number if newest else 0) + 1,
            content=content,
            sha256=digest,
            note=note,
            published_by=user,
        )
        announce(published)
        return published


def current_config() -> ConfigVersion:
    """Return the newest published configuration of the open tenant scope; raise `NothingPublished`."""
    version = ConfigVersion.objects.order_by("-number").first()
    if version is None:
        raise NothingPublished("config_not_published", "This tenant has no published configuration yet.")
    found: ConfigVersion = version
    return found


def default_skeleton_version() -> SkeletonVersion:
    """Return the newest version of the tenant's default skeleton; raise `NothingPublished`."""
    return _newest(
        SkeletonVersion.objects.filter(skeleton__is_default=True), "This tenant has no default skeleton yet."
    )


def skeleton_version(skeleton_id: UUID) -> SkeletonVersion:
    """Return the newest version of a skeleton; raise `NothingPublished` where it has none."""
    return _newest(SkeletonVersion.objects.filter(skeleton_id=skeleton_id), "This skeleton has no version yet.")


def _newest(versions: Any, message: str) -> SkeletonVersion:
    version = versions.select_related("skeleton").order_by("-number").first()
    if version is None:
        raise NothingPublished("skeleton_not_published", message)
    found: SkeletonVersion = version
    return found
