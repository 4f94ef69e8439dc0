"""What a skeleton may not carry: macros, embedded programs, unknown files, and anything fetched from elsewhere."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from lxml import etree

from tenants.skeleton.errors import SkeletonRefused
from tenants.skeleton.fields import SAFE_LINK
from tenants.skeleton.wordml import PACKAGE_RELATIONSHIPS_NS

_EMBEDDED_KINDS: Final = frozenset(
    {"oleobject", "package", "control", "activexcontrolbinary", "afchunk", "subdocument"}
)
_ALLOWED_EXTENSIONS: Final = frozenset(
    {
        *("xml", "rels", "psmdcp", "odttf"),
        *("png", "jpg", "jpeg", "jpe", "jfif", "gif", "bmp", "tif", "tiff", "webp", "svg", "emf", "wmf", "wdp"),
    }
)
"""XML, pictures and embedded fonts: all that Word and LibreOffice put into a document without programs or files."""
_NOT_INSIDE: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:|//|.*\\")
"""Targets that name another place: with a scheme, with a server, or in Windows' writing."""


def refuse_unsafe_content_types(content_types: Iterable[str], parts: Iterable[str]) -> None:
    """Raise `SkeletonRefused` for macros, ActiveX and embedded objects, by their types and names."""
    declared = {value.lower() for value in content_types}
    if any("macroenabled" in value or "vbaproject" in value or "vbadata" in value for value in declared) or any(
        part.lower().rsplit("/", 1)[-1].startswith(("vbaproject", "vbadata")) for part in parts
    ):
        raise SkeletonRefused(
            "skeleton_macros", "The Word file contains macros; save it as a document without macros (.docx)."
        )
    if any("activex" in value or "oleobject" in value for value in declared):
        raise SkeletonRefused(
            "skeleton_embedded_object", "The Word file contains embedded objects or ActiveX controls."
        )


def refuse_unknown_parts(parts: Iterable[str]) -> None:
    """Raise `SkeletonRefused` (`skeleton_part_unknown`) for parts that are neither XML nor picture nor font."""
    for part in parts:
        _, dot, extension = part.rsplit("/", 1)[-1].rpartition(".")
        if not dot or extension.lower() not in _ALLOWED_EXTENSIONS:
            raise SkeletonRefused(
                "skeleton_part_unknown",
                "The Word file holds a file of a kind that minutes don't need; remove what is embedded in it.",
                details={"part": part[:200]},
            )


def refuse_unsafe_relationships(part: str, root: etree._Element) -> None:
    """Raise `SkeletonRefused` for relationships that embed objects or load something from outside.

    Hyperlinks of the web and of mail are the only external targets allowed: they do nothing until a reader clicks.
    """
    for element in root.iter(f"{{{PACKAGE_RELATIONSHIPS_NS}}}Relationship"):
        kind = str(element.get("Type")).rstrip("/").rsplit("/", 1)[-1]
        target = str(element.get("Target") or "").strip()
        if kind.lower() in _EMBEDDED_KINDS:
            raise SkeletonRefused(
                "skeleton_embedded_object",
                "The Word file contains embedded objects or other documents.",
                details={"part": part, "kind": kind},
            )
        if is_external(element):
            is_harmless = kind.lower() == "hyperlink" and SAFE_LINK.match(target) is not None
        else:
            is_harmless = _NOT_INSIDE.match(target) is None
        if not is_harmless:
            raise SkeletonRefused(
                "skeleton_external_relationship",
                "The Word file loads something from outside (a linked picture, template or file); embed or remove it.",
                details={"part": part, "kind": kind, "target": target[:200]},
            )


def is_external(relationship: etree._Element) -> bool:
    """Tell whether a relationship leads out of the package: whatever does not say that it stays inside."""
    return str(relationship.get("TargetMode") or "Internal").strip().lower() != "internal"
