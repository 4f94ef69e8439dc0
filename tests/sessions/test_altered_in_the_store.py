"""What was pinned, recorded or built is overwritten in the store: it never gets into the sealed minutes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from astra_site.lib.hashing import Sha256
from astra_site.lib.object_store import Bucket, object_store
from astra_site.lib.tenancy import tenant_scope
from sessions_app.builder import build_minutes
from sessions_app.models import EntryKind
from tenants.models import SkeletonVersion
from tenants.services import DOCX, default_skeleton_version
from tests.factories.tenants import SKELETON_DOCX
from tests.people import Person
from tests.sessions.minutes_client import OPENING, VOTE, Minutes, finish_jobs
from tests.sessions.samples import WAV, png
from tests.sessions.test_failures import path_of, without
from tests.sessions.test_pinning import body_of, changed_skeleton

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def minutes(alice: Person) -> Minutes:
    return Minutes.start(alice)


@contextmanager
def overwritten(path: Path, content: bytes) -> Iterator[None]:
    """Other content under the same key, then the right one again."""
    whole = path.read_bytes()
    path.write_bytes(content)
    try:
        yield
    finally:
        path.write_bytes(whole)


def finalize_and_fail(minutes: Minutes) -> tuple[str, str, str]:
    """Finalize; return where the session stands, the step that failed, and the code."""
    minutes.finalize()
    finish_jobs()
    failed = minutes.show()
    assert failed["delivery"] is None
    return failed["state"], failed["failure"]["step"], failed["failure"]["code"]


def closes(minutes: Minutes) -> bool:
    minutes.finalize()
    finish_jobs()
    return bool(minutes.show()["state"] == "CLOSED")


def test_another_skeleton_under_the_same_key_is_not_built_from(minutes: Minutes) -> None:
    minutes.say(1, OPENING)
    path = path_of(Bucket.SKELETONS, minutes.row().skeleton_version.object_key)
    with overwritten(path, changed_skeleton("CAMBIADA A ESCONDIDAS")):
        assert finalize_and_fail(minutes) == ("BUILD_FAILED", "build_document", "skeleton_altered")
    assert closes(minutes)
    assert "CAMBIADA A ESCONDIDAS" not in body_of(minutes.document())


def test_another_image_under_the_same_key_is_not_built_in(minutes: Minutes) -> None:
    minutes.say(1, OPENING)
    minutes.show_image(png(colour="navy"), caption="Plano")
    finish_jobs()
    (asset,) = [row.payload for row in minutes.journal() if row.kind == EntryKind.ASSET]
    with overwritten(path_of(Bucket.ASSETS, asset["key"]), png(colour="red")):
        assert finalize_and_fail(minutes) == ("BUILD_FAILED", "build_document", "build_image_mismatch")
    assert closes(minutes)


def test_another_dump_under_the_same_key_is_not_built_from(minutes: Minutes) -> None:
    minutes.say(1, VOTE)
    with without(path_of(Bucket.SKELETONS, minutes.row().skeleton_version.object_key)):
        finalize_and_fail(minutes)
    path = path_of(Bucket.DOCUMENTS, minutes.row().dump_key)
    with overwritten(path, path.read_bytes().replace(b'"in_favour":14', b'"in_favour":15')):
        assert finalize_and_fail(minutes) == ("BUILD_FAILED", "build_document", "dump_altered")
    assert closes(minutes)
    assert minutes.dump()["blocks"][0]["data"]["in_favour"] == 14


@pytest.mark.parametrize("part", ["document", "dump"])
def test_another_document_or_dump_than_the_built_one_is_not_sealed(minutes: Minutes, part: str) -> None:
    minutes.send_audio(1, WAV)
    minutes.say(2, VOTE)
    finish_jobs()
    with without(path_of(Bucket.AUDIO, minutes.journal()[0].audio_key)):
        assert finalize_and_fail(minutes)[:2] == ("SEAL_FAILED", "hand_over_audio")
    row, dump = minutes.row(), minutes.dump()
    dump["session"]["metadata"]["city"] = "Tadó"
    other = build_minutes(SKELETON_DOCX, dump, {}).docx if part == "document" else b'{"blocks":[]}'
    with overwritten(path_of(Bucket.DOCUMENTS, row.document_key if part == "document" else row.dump_key), other):
        assert finalize_and_fail(minutes) == ("SEAL_FAILED", "seal", f"{part}_altered")
    assert closes(minutes)


def test_the_skeleton_is_read_by_its_pinned_version(alice: Person) -> None:
    """The local store never gave out a version id, so exactly the version that is asked for is missing there."""
    docx = changed_skeleton("CON VERSIÓN")
    key = f"{alice.tenant_id}/versioned.docx"
    object_store().put(Bucket.SKELETONS, key, docx, DOCX)
    with tenant_scope(alice.tenant_id):
        first = default_skeleton_version()
        SkeletonVersion.objects.create(
            tenant_id=alice.tenant_id,
            skeleton=first.skeleton,
            number=first.number + 1,
            object_key=key,
            s3_version_id="version-1",
            sha256=str(Sha256.of(docx)),
            size_bytes=len(docx),
            placeholders=first.placeholders,
        )
    minutes = Minutes.start(alice)
    minutes.say(1, OPENING)
    assert finalize_and_fail(minutes) == ("BUILD_FAILED", "build_document", "object_missing")
