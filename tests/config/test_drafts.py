"""A draft from the first edit to the published version and back, and who is told to look again."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction

from astra_site.lib.tenancy import tenant_scope
from tenants.config.drafts import (
    discard_draft,
    edit_draft,
    import_into_draft,
    publish_draft,
    read_draft,
    roll_back,
)
from tenants.errors import ConfigInvalid, ConfigTooLarge, DraftConflict, NothingPublished
from tenants.models import ConfigDraft, ConfigEdit, ConfigVersion, Tenant
from tests.config.samples import content
from tests.factories.tenants import ConfigVersionFactory, SkeletonFactory, SkeletonVersionFactory, TenantFactory
from tests.people import Person

pytestmark = pytest.mark.django_db
TO_VARIOS = {"template_id": "TPL_DEBATE", "place": "ZONA_VARIOS"}


@pytest.fixture(autouse=True)
def _scope(alice: Person) -> Iterator[None]:
    with tenant_scope(alice.tenant_id):
        yield


def edit(revision: int, operation: str = "map_template", **values: Any) -> int:
    return edit_draft(operation, values or TO_VARIOS, revision=revision, actor="admin:ana").revision


def trail() -> list[tuple[int, str, str]]:
    return list(ConfigEdit.objects.order_by("revision").values_list("revision", "operation", "actor"))


def test_a_draft_is_what_is_published_until_somebody_edits_it() -> None:
    draft = read_draft()
    assert draft.newest is not None
    assert (draft.content, draft.revision, draft.changes) == (draft.newest.content, 0, [])
    assert not ConfigDraft.objects.exists()


def test_edit_publish_and_roll_back() -> None:
    assert edit(0) == 1
    assert edit(1, "set_word", heard="Cuibdó", written="Quibdó") == 2
    assert [one.group for one in read_draft().changes] == ["entity_dictionary", "zone_map"]
    second = publish_draft(revision=2, newest=1, actor="admin:ana", note="debate va a varios")
    assert (second.number, second.note) == (2, "debate va a varios")
    assert second.content["zone_map"]["TPL_DEBATE"] == "ZONA_VARIOS"
    assert read_draft().changes == []
    third = roll_back(1, revision=read_draft().revision, newest=2, actor="admin:ana")
    assert third.number == 3
    assert third.content == ConfigVersion.objects.get(number=1).content
    assert third.sha256 == ConfigVersion.objects.get(number=1).sha256
    assert trail() == [
        (1, "map_template", "admin:ana"),
        (2, "set_word", "admin:ana"),
        (3, "publish", "admin:ana"),
        (4, "roll_back", "admin:ana"),
    ]
    first = ConfigEdit.objects.get(revision=1).differences
    assert first == [
        {"path": ["zone_map", "TPL_DEBATE"], "change": "changed", "before": "ZONA_DEBATE", "after": "ZONA_VARIOS"}
    ]


def test_who_saw_an_older_draft_is_told_and_changes_nothing() -> None:
    edit(0)
    attempts: tuple[Callable[[], object], ...] = (
        lambda: edit(0, "set_default_zone", place="ZONA_DEBATE"),
        lambda: discard_draft(revision=0, actor="admin:luz"),
        lambda: publish_draft(revision=0, newest=1, actor="admin:luz"),
    )
    for attempt in attempts:
        with pytest.raises(DraftConflict) as refused:
            attempt()
        assert refused.value.code == "draft_changed"
    assert read_draft().content["default_zone"] == "ZONA_VARIOS"
    assert len(trail()) == 1


def test_a_version_published_meanwhile_is_not_overwritten_unseen(alice: Person) -> None:
    edit(0)
    ConfigVersionFactory(tenant=alice.council, entity_dictionary={"a": "b"})
    with tenant_scope(alice.tenant_id):
        with pytest.raises(DraftConflict) as refused:
            publish_draft(revision=1, newest=1, actor="admin:ana")
        assert refused.value.code == "config_published_meanwhile"
        with pytest.raises(DraftConflict) as refused:
            roll_back(1, revision=read_draft().revision, newest=1, actor="admin:ana")
        assert refused.value.code == "config_published_meanwhile"
        draft = read_draft()
        assert [one.group for one in draft.changes] == ["zone_map"]
        assert draft.content["entity_dictionary"] == {"a": "b"}
        third = publish_draft(revision=1, newest=2, actor="admin:ana")
        assert third.content["entity_dictionary"] == {"a": "b"}
        assert third.content["zone_map"]["TPL_DEBATE"] == "ZONA_VARIOS"


def test_work_that_can_not_be_put_on_top_stands_as_it_was(alice: Person) -> None:
    columns = {**content()["table_map"]["VOTE"]["columns"], "ASUNTO": "result"}
    edit(0, "map_intent", intent="VOTE", table_id="TBL_VOTACION", columns=columns)
    ConfigVersionFactory(tenant=alice.council, table_map={})
    with tenant_scope(alice.tenant_id):
        assert read_draft().content["table_map"]["VOTE"]["columns"]["ASUNTO"] == "result"
        assert edit(1, "set_word", heard="c", written="d") == 2


def test_a_draft_without_work_follows_what_is_published(alice: Person) -> None:
    edit(0)
    discard_draft(revision=1, actor="admin:ana")
    ConfigVersionFactory(tenant=alice.council, entity_dictionary={"a": "b"})
    with tenant_scope(alice.tenant_id):
        draft = read_draft()
        assert draft.content["entity_dictionary"] == {"a": "b"}
        assert (draft.revision, draft.changes) == (2, [])


def test_an_edit_that_changes_nothing_is_no_edit() -> None:
    assert edit(0, template_id="TPL_DEBATE", place="ZONA_DEBATE") == 0
    assert trail() == []


def test_a_draft_with_errors_is_kept_and_not_published() -> None:
    edit(0, template_id="TPL_DEBATE", place="TBL_VOTACION")
    draft = read_draft()
    assert [problem.code for problem in draft.problems if problem.is_error] == ["zone_is_table"]
    with pytest.raises(ConfigInvalid, match="TBL_VOTACION is a table"):
        publish_draft(revision=1, newest=1, actor="admin:ana")
    assert ConfigVersion.objects.count() == 1
    assert read_draft().revision == 1


def test_a_file_replaces_the_draft_and_a_bad_one_does_not(alice: Person) -> None:
    with pytest.raises(ConfigInvalid):
        import_into_draft(b"{}", revision=0, actor="admin:ana")
    changed = ConfigVersion.objects.get().content | {"hotwords": ["Bojayá"]}
    body = json.dumps(changed).encode()
    assert import_into_draft(body, revision=0, actor="admin:ana").content["hotwords"] == ["Bojayá"]
    with pytest.raises(ConfigTooLarge):
        edit(1, "set_names", which="members", names=["x" * 290 + str(number) for number in range(5_000)])


def test_a_council_without_a_version_begins_with_what_core_knows() -> None:
    other: Tenant = TenantFactory()
    with tenant_scope(other.id), pytest.raises(NothingPublished):
        read_draft()
    SkeletonVersionFactory(skeleton=SkeletonFactory(tenant=other))
    with tenant_scope(other.id):
        draft = read_draft()
        assert draft.content["templates"]["TPL_VOTACION"] == {"label": "Votación"}
        assert draft.content["zone_map"] == {}
        revision = edit(0, template_id="TPL_VOTACION", place="ZONA_VOTACION")
        assert publish_draft(revision=revision, newest=0, actor="admin:ana").number == 1


def test_another_councils_draft_is_out_of_sight(charlie: Person) -> None:
    edit(0)
    with tenant_scope(charlie.tenant_id):
        assert read_draft().revision == 0
        assert not ConfigEdit.objects.exists()


def test_the_audit_trail_can_not_be_changed() -> None:
    edit(0)
    changes = ("UPDATE tenants_configedit SET actor = 'x'", "DELETE FROM tenants_configedit")
    for statement in (*changes, "TRUNCATE tenants_configedit"):
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")  # TRUNCATE refuses to run beside waiting checks
            with pytest.raises(DatabaseError, match=r"append-only|permission denied"), transaction.atomic():
                cursor.execute(statement)
    assert trail() == [(1, "map_template", "admin:ana")]
