"""The seam between a session and BUILDER: one small interface, embedded by default, remote by configuration.

A builder is handed the session dump itself, or, when that is large, where it lies and its hash: nobody keeps tens of
megabytes in a request. Either way the builder checks the hash before it believes a word.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, Protocol
from uuid import UUID

from astra_site.lib.hashing import Sha256
from astra_site.lib.object_store import Bucket, object_store
from custody.consistency import check_content
from sessions_app.builder import BuildRefused, BuiltDocument, ImageFile, build_minutes

SCHEMA: Final = "astra.build-request/1"
_REFERENCE_START: Final = f"s3://{Bucket.DOCUMENTS}/"


@dataclass(frozen=True, slots=True)
class PinnedSkeleton:
    """Exactly one content of a skeleton: its place, where the store keeps versions the version, and its hash."""

    key: str
    version_id: str | None
    sha256: Sha256


@dataclass(frozen=True, slots=True)
class BuildRequest:
    """What a builder needs. Exactly one of `dump` (canonical JSON) and `session_ref` (its place) is given."""

    tenant_id: UUID
    session_id: UUID
    skeleton: PinnedSkeleton
    dump_sha256: Sha256
    dump: bytes | None = None
    session_ref: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the request (`astra.build-request/1`) as a remote builder is sent it.

        Places are `s3://<bucket>/<key>` with the bucket's name as the product knows it (`astra_site.lib.object_store`).
        """
        dump = {"dump": json.loads(self.dump)} if self.dump is not None else {"session_ref": self.session_ref}
        return {
            "schema": SCHEMA,
            "tenant_id": str(self.tenant_id),
            "session_id": str(self.session_id),
            "skeleton": {
                "skeleton_ref": f"s3://{Bucket.SKELETONS}/{self.skeleton.key}",
                "s3_version_id": self.skeleton.version_id,
                "sha256": str(self.skeleton.sha256),
            },
            **dump,
            "sha256": str(self.dump_sha256),
        }


class BuilderClient(Protocol):
    """Asks a builder for the minutes.

    Every implementation raises `EvidenceInconsistent` (`dump_altered`, `skeleton_altered`) for content that has not the
    hash of the request, `ObjectMissing` for what is not there, and the builder's errors (`build_…`).
    """

    def build(self, request: BuildRequest) -> BuiltDocument:
        """Return the document; equal requests give equal bytes."""
        ...


class EmbeddedBuilderClient:
    """Builds in this process."""

    def build(self, request: BuildRequest) -> BuiltDocument:
        """Resolve what the request refers to, check it, and build."""
        dump = json.loads(_dump(request))
        return build_minutes(_skeleton(request.skeleton), dump, _images(dump))


@cache
def builder_client() -> BuilderClient:
    """Return the client of BUILDER that this installation uses."""
    return EmbeddedBuilderClient()


def reference_to(dump_key: str) -> str:
    """Return the address under which a builder finds a stored dump."""
    return f"{_REFERENCE_START}{dump_key}"


def _dump(request: BuildRequest) -> bytes:
    content = request.dump
    if content is None:
        content = object_store().get(Bucket.DOCUMENTS, _key_of(request))
    check_content("dump", content, request.dump_sha256)
    return content


def _key_of(request: BuildRequest) -> str:
    """Return the key behind a reference; it has to lie with the session's own tenant."""
    reference = request.session_ref or ""
    key = reference.removeprefix(_REFERENCE_START)
    if key == reference or not key.startswith(f"{request.tenant_id}/"):
        raise BuildRefused("build_reference_refused", "The reference to the session leads somewhere else.")
    return key


def _skeleton(pinned: PinnedSkeleton) -> bytes:
    skeleton = object_store().get(Bucket.SKELETONS, pinned.key, version_id=pinned.version_id)
    check_content("skeleton", skeleton, pinned.sha256)
    return skeleton


def _images(dump: Mapping[str, Any]) -> dict[str, ImageFile]:
    return {
        asset_id: ImageFile(
            data=object_store().get(Bucket.ASSETS, asset["key"]),
            media_type=asset["media_type"],
            width_px=asset["width_px"],
            height_px=asset["height_px"],
        )
        for asset_id, asset in dump["assets"].items()
    }
