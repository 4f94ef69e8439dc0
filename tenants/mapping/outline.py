"""The skeleton as the page shows it: its headings in order, and under each the placeholders that stand there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final

from astra_site.lib.errors import AstraError
from astra_site.lib.object_store import Bucket, object_store
from tenants.models import SkeletonVersion
from tenants.skeleton import parse_skeleton
from tenants.skeleton.model import OutlineEntry

_REMEMBERED: Final = 64
_FIRST: Final = ("Header", "Body:Section_0")


@dataclass(slots=True)
class Section:
    """One part of the document: its headings (level and text) and the stored placeholders in it."""

    location: str
    headings: list[OutlineEntry] = field(default_factory=list)
    placeholders: list[dict[str, Any]] = field(default_factory=list)


def skeleton_bytes(version: SkeletonVersion) -> bytes:
    """Return the stored document. Raises `ObjectMissing` or `Unavailable`."""
    return object_store().get(Bucket.SKELETONS, version.object_key, version_id=version.s3_version_id or None)


def sections_of(version: SkeletonVersion) -> list[Section]:
    """Return the parts of the document in its order. Where the store does not answer they have no headings."""
    try:
        headings = _headings(version.sha256, version.pk)
    except AstraError:
        headings = ()
    return _arranged(version.placeholders, headings)


@lru_cache(maxsize=_REMEMBERED)
def _headings(sha256: str, version_id: Any) -> tuple[OutlineEntry, ...]:
    """Read a document's headings once per process: equal hash, equal headings."""
    version = SkeletonVersion.objects.get(pk=version_id)
    return parse_skeleton(skeleton_bytes(version)).outline


def _arranged(placeholders: Sequence[dict[str, Any]], headings: Sequence[OutlineEntry]) -> list[Section]:
    sections: dict[str, Section] = {}
    body = dict.fromkeys(entry.location for entry in headings)
    found = dict.fromkeys(item["location"] for item in placeholders)
    for location in [*_FIRST, *body, *found]:
        sections.setdefault(location, Section(location))
    for entry in headings:
        sections[entry.location].headings.append(entry)
    for item in placeholders:
        sections[item["location"]].placeholders.append(item)
    return [section for section in sections.values() if section.headings or section.placeholders]
