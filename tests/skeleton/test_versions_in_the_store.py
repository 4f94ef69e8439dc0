"""A version of a skeleton is the object that was stored then, also where its key holds something else by now."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pytest_django import Settings

from astra_site.lib.object_store import Bucket, ObjectMissing, ObjectStore, object_store
from astra_site.lib.tenancy import tenant_scope
from tenants.models import Skeleton, SkeletonVersion
from tenants.services import DOCX, add_skeleton_version
from tenants.skeleton.errors import SkeletonAltered, SkeletonRefused
from tenants.skeleton_store import read_skeleton_version
from tests.people import Person
from tests.s3_process import s3_server
from tests.skeleton.packages import make_docx, paragraph

pytestmark = pytest.mark.django_db
FIRST, SECOND = (make_docx(paragraph(f"{{{{CIUDAD}}}} {number}")) for number in (1, 2))


@pytest.fixture(scope="module")
def s3_address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with s3_server(tmp_path_factory.mktemp("s3")) as address:
        yield address


@pytest.fixture
def s3(s3_address: str, settings: Settings) -> ObjectStore:
    settings.OBJECT_STORE_URL = f"s3://key:secret@{s3_address}/skeletons?tls=0"
    store = object_store()
    store.ensure_buckets()
    return store


@pytest.fixture
def skeleton(alice: Person) -> Iterator[Skeleton]:
    with tenant_scope(alice.tenant_id):
        made: Skeleton = Skeleton.objects.create(tenant=alice.council, code="EXTRA", name="Acta extraordinaria")
        yield made


def test_each_version_is_pinned_by_the_stores_version_and_comes_back(skeleton: Skeleton, s3: ObjectStore) -> None:
    versions = [add_skeleton_version(skeleton, content) for content in (FIRST, SECOND)]
    assert [version.number for version in versions] == [1, 2]
    assert len({version.s3_version_id for version in versions} - {""}) == 2
    for version in versions:
        s3.put(Bucket.SKELETONS, version.object_key, b"somebody else's", DOCX)
    assert [read_skeleton_version(version) for version in versions] == [FIRST, SECOND]


def test_the_same_document_again_keeps_the_version_that_was_pinned(skeleton: Skeleton, s3: ObjectStore) -> None:
    first = add_skeleton_version(skeleton, FIRST)
    again = add_skeleton_version(skeleton, FIRST)
    assert (again.pk, again.s3_version_id) == (first.pk, first.s3_version_id)
    assert read_skeleton_version(again) == FIRST


def test_a_version_that_the_store_never_gave_is_missing(skeleton: Skeleton, s3: ObjectStore) -> None:
    version = add_skeleton_version(skeleton, FIRST)
    version.s3_version_id = "00000000-0000-4000-8000-000000000000"
    with pytest.raises(ObjectMissing):
        read_skeleton_version(version)


def test_without_versions_in_the_store_the_hash_tells(skeleton: Skeleton) -> None:
    version = add_skeleton_version(skeleton, FIRST)
    assert version.s3_version_id == ""
    assert read_skeleton_version(version) == FIRST
    object_store().put(Bucket.SKELETONS, version.object_key, SECOND, DOCX)
    with pytest.raises(SkeletonAltered):
        read_skeleton_version(version)


def test_a_refused_document_leaves_nothing_in_the_store(skeleton: Skeleton, s3: ObjectStore) -> None:
    with pytest.raises(SkeletonRefused):
        add_skeleton_version(skeleton, b"no document")
    assert list(s3.iter_keys(Bucket.SKELETONS, f"{skeleton.tenant_id}/{skeleton.id}/")) == []
    assert not SkeletonVersion.objects.filter(skeleton=skeleton).exists()


def test_a_version_keeps_all_that_the_parser_found(skeleton: Skeleton) -> None:
    add_skeleton_version(skeleton, make_docx(paragraph("Apertura", "Ttulo1") + paragraph("En {{CIUDAD}}")))
    version = SkeletonVersion.objects.get(skeleton=skeleton)
    assert version.placeholders == [
        {
            "tag": "CIUDAD", "kind": "text", "source": "marker", "location": "Body:Section_1", "label": "CIUDAD",
            "columns": [], "occurrences": 1, "sample": "En {{CIUDAD}}", "heading_path": ["Apertura"], "order": 1,
        }
    ]  # fmt: skip
    assert version.outline == [{"level": 1, "text": "Apertura", "location": "Body:Section_1"}]
    assert [(warning["code"], warning["tag"]) for warning in version.warnings] == [("no_block_zone", None)]
