"""The verbs of a draft: read it, edit it, discard it, publish it, take up an older version.

Every change names the revision that its author saw, is checked against it under the lock of the council's row, and
leaves one line in the audit trail (`ConfigEdit`) in the same transaction.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction

from astra_site.lib.hashing import canonical_json
from astra_site.lib.tenancy import current_tenant_id
from tenants.config.checks import Place, Problem, problems
from tenants.config.core import known_fields, known_templates
from tenants.config.diff import Difference, applied, differences
from tenants.config.edits import Content, edited, empty_content
from tenants.config.importing import read_configuration
from tenants.config.schema import MAX_BYTES, ConfigContent
from tenants.errors import ConfigInvalid, ConfigTooLarge, DraftConflict, NothingPublished
from tenants.models import ConfigDraft, ConfigEdit, ConfigVersion, SkeletonVersion, Tenant
from tenants.services import default_skeleton_version, publish_config
from tenants.skeleton.model import PlaceholderKind


@dataclass(frozen=True, slots=True)
class Draft:
    """The draft as it stands: its content, its revision, and the newest version, None before the first."""

    content: Content
    revision: int
    newest: ConfigVersion | None
    skeleton: SkeletonVersion

    @property
    def config(self) -> ConfigContent:
        """The content, typed."""
        return ConfigContent.read(self.content)

    @property
    def places(self) -> dict[str, Place]:
        """The placeholders of the default skeleton."""
        return Place.all_of(self.skeleton.placeholders)

    @property
    def changes(self) -> list[Difference]:
        """What publishing would change."""
        return differences(self.newest.content if self.newest else {}, self.content)

    @property
    def problems(self) -> list[Problem]:
        """What is wrong or doubtful in it."""
        return problems(self.config, self.places, known_fields())


def read_draft() -> Draft:
    """Return the draft of the open tenant scope; one without work is what is published. Writes nothing.

    Raises `NothingPublished` (`skeleton_not_published`) where there is no skeleton to map to.
    """
    row: ConfigDraft | None = ConfigDraft.objects.select_related("base").first()
    return _standing(row)


def edit_draft(operation: str, values: Mapping[str, Any], *, revision: int, actor: str) -> Draft:
    """Change the draft by one of `EDITS`, and record who changed what. An edit that changes nothing is not recorded.

    Raises `DraftConflict` (`draft_changed`) for a revision that is not the draft's, `ConfigInvalid` and
    `ConfigTooLarge` for an edit after which it is no configuration; the draft stays as it was then.
    """
    with transaction.atomic():
        row, draft = _locked(revision)
        content = ConfigContent.read(edited(draft.content, operation, values)).to_json()
        if len(canonical_json(content)) > MAX_BYTES:
            raise ConfigTooLarge("config_too_large", f"A configuration has at most {MAX_BYTES // 1024} kB.")
        return _store(row, draft, content, operation, actor)


def import_into_draft(body: bytes, *, revision: int, actor: str) -> Draft:
    """Replace the draft by a file. Raises what `read_configuration` and `edit_draft` raise."""
    content = read_configuration(body).to_json()
    return edit_draft("replace_all", {"content": content}, revision=revision, actor=actor)


def discard_draft(*, revision: int, actor: str) -> Draft:
    """Give up what is not published. Raises `DraftConflict` (`draft_changed`)."""
    with transaction.atomic():
        row, draft = _locked(revision)
        content = draft.newest.content if draft.newest else _beginning(draft.skeleton)
        return _store(row, draft, content, "discard", actor)


def publish_draft(
    *, revision: int, newest: int, actor: str, user: AbstractBaseUser | None = None, note: str = ""
) -> ConfigVersion:
    """Publish the draft as the next version. `newest` is the number of the version that the author compared it with.

    Raises `DraftConflict` (`draft_changed`, `config_published_meanwhile`) and `ConfigInvalid` with every error.
    """
    with transaction.atomic():
        row, draft = _locked(revision)
        if (draft.newest.number if draft.newest else 0) != newest:
            raise DraftConflict(
                "config_published_meanwhile", "Another version was published meanwhile: compare with it and try again."
            )
        version = publish_config(draft.content, user=user, note=note)
        _record(row, draft, draft.content, draft.changes, "publish", actor, base=version, version=version.number)
        return version


def roll_back(
    number: int, *, revision: int, newest: int, actor: str, user: AbstractBaseUser | None = None, note: str = ""
) -> ConfigVersion:
    """Publish the content of an older version again, as the next one. The draft becomes what is published.

    Raises `DraftConflict` (`draft_changed`, `config_published_meanwhile`), `NothingPublished` for an unknown number,
    and `ConfigInvalid` where the skeleton of today does not fit the older version any more.
    """
    with transaction.atomic():
        row, draft = _locked(revision)
        if (draft.newest.number if draft.newest else 0) != newest:
            raise DraftConflict(
                "config_published_meanwhile", "Another version was published meanwhile: compare with it and try again."
            )
        older = version_of(number)
        version = publish_config(older.content, user=user, note=note)
        found = differences(draft.newest.content if draft.newest else {}, version.content)
        _record(row, draft, version.content, found, "roll_back", actor, base=version, version=number)
        return version


def version_of(number: int) -> ConfigVersion:
    """Return a published version by its number; raise `NothingPublished` (`config_version_unknown`)."""
    version: ConfigVersion | None = ConfigVersion.objects.filter(number=number).first()
    if version is None:
        raise NothingPublished("config_version_unknown", "There is no configuration version of this number.")
    return version


def _standing(row: ConfigDraft | None) -> Draft:
    skeleton = default_skeleton_version()
    newest: ConfigVersion | None = ConfigVersion.objects.order_by("-number").first()
    revision = row.revision if row else 0
    published = newest.content if newest else _beginning(skeleton)
    if row is None:
        return Draft(published, revision, newest, skeleton)
    return Draft(_brought_up(row, newest, published), revision, newest, skeleton)


def _brought_up(row: ConfigDraft, newest: ConfigVersion | None, published: Content) -> Content:
    """Return the draft's work on top of what is published, which may have gone on since the draft was begun.

    Where the two can't be put together (a column of a table that is mapped no more), the draft stands as it was; the
    review shows what it would take back.
    """
    if newest is None or row.base_id == newest.pk:
        return row.content  # type: ignore[no-any-return]  # a JSON column
    work = differences(row.base.content if row.base else {}, row.content)
    try:
        return ConfigContent.read(applied(published, work)).to_json()
    except ConfigInvalid:
        return row.content  # type: ignore[no-any-return]  # a JSON column


def _beginning(skeleton: SkeletonVersion) -> Content:
    """Return what a council without any version begins with."""
    tags = [item["tag"] for item in skeleton.placeholders if item["kind"] == PlaceholderKind.BLOCK_ZONE]
    return ConfigContent.read(empty_content(tags[-1] if tags else "ZONA", known_templates())).to_json()


def _locked(revision: int) -> tuple[ConfigDraft | None, Draft]:
    """Hold the council's row, which orders all that changes its configuration, and check the revision."""
    Tenant.objects.select_for_update().get(pk=current_tenant_id())
    row: ConfigDraft | None = ConfigDraft.objects.select_related("base").first()
    draft = _standing(row)
    if draft.revision != revision:
        raise DraftConflict("draft_changed", "Somebody else has changed the draft meanwhile: look at it and try again.")
    return row, draft


def _store(row: ConfigDraft | None, draft: Draft, content: Content, operation: str, actor: str) -> Draft:
    found = differences(draft.content, content)
    if not found:
        return draft
    return _record(row, draft, content, found, operation, actor, base=draft.newest)


def _record(
    row: ConfigDraft | None,
    draft: Draft,
    content: Content,
    found: Sequence[Difference],
    operation: str,
    actor: str,
    *,
    base: ConfigVersion | None,
    version: int | None = None,
) -> Draft:
    tenant_id: UUID = current_tenant_id()
    row = row or ConfigDraft(tenant_id=tenant_id)
    row.content, row.base, row.revision = content, base, draft.revision + 1
    row.save()
    ConfigEdit.objects.create(
        tenant_id=tenant_id,
        revision=row.revision,
        operation=operation,
        differences=[difference.to_json() for difference in found],
        version=version,
        actor=actor,
    )
    return Draft(content, row.revision, base if version is not None else draft.newest, draft.skeleton)
