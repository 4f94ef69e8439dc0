"""A small session goes to the builder inside the request, a large one by its place and hash; the dump is kept."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pytest_django import Settings

from astra_site.lib.hashing import Sha256, canonical_json
from astra_site.lib.ids import new_id
from astra_site.lib.object_store import Bucket, object_store
from astra_site.lib.tenancy import tenant_scope
from custody.errors import EvidenceInconsistent
from sessions_app.builder import BuildRefused, BuiltDocument
from sessions_app.services import minutes as production
from sessions_app.services.builder_client import (
    BuildRequest,
    EmbeddedBuilderClient,
    PinnedSkeleton,
    reference_to,
)
from tests.builder.dumps import block, session_dump
from tests.people import Person
from tests.sessions.minutes_client import CLOSING, OPENING, VOTE, Minutes, finish_jobs
from tests.sessions.samples import png

pytestmark = pytest.mark.django_db
SKELETON = (Path(__file__).parents[2] / "demo" / "skeleton.docx").read_bytes()


class Listening:
    """The embedded builder, and what it was asked."""

    def __init__(self) -> None:
        self.asked: list[BuildRequest] = []

    def build(self, request: BuildRequest) -> BuiltDocument:
        self.asked.append(request)
        return EmbeddedBuilderClient().build(request)


@pytest.fixture
def builder(monkeypatch: pytest.MonkeyPatch) -> Listening:
    listening = Listening()
    monkeypatch.setattr(production, "builder_client", lambda: listening)
    return listening


@pytest.fixture
def minutes(alice: Person) -> Minutes:
    minutes = Minutes.start(alice)
    for number, text in enumerate((OPENING, VOTE, CLOSING), 1):
        minutes.say(number, text)
    minutes.show_image(png())
    finish_jobs()
    return minutes


def size_of_dump(minutes: Minutes, alice: Person) -> int:
    with tenant_scope(alice.tenant_id):
        row = minutes.row().__class__.objects.select_related("tenant", "config_version", "skeleton_version")
        return len(canonical_json(production.session_dump(row.get(pk=minutes.session_id))))


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("room", [0, -1], ids=["just under", "just over"])
def test_the_limit_decides_between_the_dump_and_its_place(
    minutes: Minutes, alice: Person, builder: Listening, settings: Settings, room: int
) -> None:
    settings.INLINE_PAYLOAD_BYTES = size_of_dump(minutes, alice) + room
    minutes.close()
    (asked,) = builder.asked
    stored = object_store().get(Bucket.DOCUMENTS, minutes.row().dump_key)
    assert asked.dump_sha256 == Sha256.of(stored)
    body = asked.to_json()
    assert body["sha256"] == str(Sha256.of(stored))
    if room:
        assert (asked.dump, body["session_ref"]) == (None, f"s3://documents/{minutes.row().dump_key}")
        assert "dump" not in body
    else:
        assert (asked.dump, asked.session_ref) == (stored, None)
        assert body["dump"] == json.loads(stored)


@pytest.mark.django_db(transaction=True)
def test_the_document_is_the_same_either_way(minutes: Minutes, settings: Settings, builder: Listening) -> None:
    minutes.close()
    (inline,) = builder.asked
    kept = minutes.row().dump_key
    by_place = BuildRequest(
        inline.tenant_id, inline.session_id, inline.skeleton, inline.dump_sha256, session_ref=reference_to(kept)
    )
    assert builder.build(by_place).docx == minutes.document() == builder.build(inline).docx
    assert settings.INLINE_PAYLOAD_BYTES == 5 * 1024 * 1024


def stored(dump: dict[str, Any], key: str) -> tuple[bytes, PinnedSkeleton]:
    content = canonical_json(dump)
    object_store().put(Bucket.DOCUMENTS, key, content, "application/json")
    object_store().put(Bucket.SKELETONS, key, SKELETON, "application/octet-stream")
    return content, PinnedSkeleton(key, None, Sha256.of(SKELETON))


def test_thirty_megabytes_by_reference() -> None:
    tenant_id, session_id = new_id(), new_id()
    said = "El alumbrado público de la zona rural está en mal estado. " * 1_800
    dump = session_dump([block(number, f"{number} {said}") for number in range(300)])
    content, skeleton = stored(dump, f"{tenant_id}/{session_id}/session_dump.json")
    assert len(content) > 30_000_000
    reference = reference_to(f"{tenant_id}/{session_id}/session_dump.json")
    request = BuildRequest(tenant_id, session_id, skeleton, Sha256.of(content), session_ref=reference)
    assert len(json.dumps(request.to_json())) < 1_000
    built = EmbeddedBuilderClient().build(request)
    assert built.unplaced == ()
    assert len(built.paragraph_trace) >= 300


def altered(request: BuildRequest) -> BuildRequest:
    object_store().put(Bucket.DOCUMENTS, _key(request), b'{"schema":"another"}', "application/json")
    return request


def elsewhere(request: BuildRequest) -> BuildRequest:
    return BuildRequest(
        new_id(), request.session_id, request.skeleton, request.dump_sha256, session_ref=request.session_ref
    )


def another_bucket(request: BuildRequest) -> BuildRequest:
    reference = f"s3://audio/{_key(request)}"
    return BuildRequest(
        request.tenant_id, request.session_id, request.skeleton, request.dump_sha256, session_ref=reference
    )


def nothing(request: BuildRequest) -> BuildRequest:
    return BuildRequest(request.tenant_id, request.session_id, request.skeleton, request.dump_sha256)


def inline_altered(request: BuildRequest) -> BuildRequest:
    return BuildRequest(request.tenant_id, request.session_id, request.skeleton, request.dump_sha256, dump=b"{}")


def other_skeleton(request: BuildRequest) -> BuildRequest:
    object_store().put(Bucket.SKELETONS, request.skeleton.key, SKELETON[:-1], "application/octet-stream")
    return request


@pytest.mark.parametrize(
    ("spoil", "error", "code"),
    [
        (altered, EvidenceInconsistent, "dump_altered"),
        (inline_altered, EvidenceInconsistent, "dump_altered"),
        (other_skeleton, EvidenceInconsistent, "skeleton_altered"),
        (elsewhere, BuildRefused, "build_reference_refused"),
        (another_bucket, BuildRefused, "build_reference_refused"),
        (nothing, BuildRefused, "build_reference_refused"),
    ],
)
def test_a_builder_believes_no_reference_that_is_not_right(
    spoil: Callable[[BuildRequest], BuildRequest], error: type[Exception], code: str
) -> None:
    tenant_id, session_id = new_id(), new_id()
    key = f"{tenant_id}/{session_id}/session_dump.json"
    content, skeleton = stored(session_dump([block(1, OPENING)]), key)
    request = BuildRequest(tenant_id, session_id, skeleton, Sha256.of(content), session_ref=reference_to(key))
    with pytest.raises(error) as refused:
        EmbeddedBuilderClient().build(spoil(request))
    assert getattr(refused.value, "code", None) == code


def _key(request: BuildRequest) -> str:
    return (request.session_ref or "").removeprefix("s3://documents/")
