"""What a skeleton may not carry: macros, embedded programs, and anything fetched from elsewhere."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final

from lxml import etree

from tenants.skeleton.errors import SkeletonRefused
from tenants.skeleton.wordml import PACKAGE_RELATIONSHIPS_NS, w

_WORD_MAIN: Final = "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"
_EMBEDDED_KINDS: Final = frozenset(
    {"oleObject", "package", "control", "activeXControlBinary", "aFChunk", "subDocument"}
)
_SAFE_LINK: Final = re.compile(r"(https?|mailto):", re.IGNORECASE)
_ACTIVE_FIELD: Final = re.compile(
    r"^\s*(DDE|DDEAUTO|INCLUDETEXT|INCLUDEPICTURE|IMPORT|DATABASE|LINK|EMBED|MACROBUTTON|RD|AUTOTEXT)\b", re.IGNORECASE
)


def refuse_unsafe_content_types(content_types: Mapping[str, str], parts: Iterable[str]) -> None:
    """Raise `SkeletonRefused` unless the package is a plain Word document without macros or ActiveX."""
    declared = {value.lower() for value in content_types.values()}
    if any("macroenabled" in value or "vbaproject" in value for value in declared) or any(
        part.lower().rsplit("/", 1)[-1].startswith("vbaproject") for part in parts
    ):
        raise SkeletonRefused(
            "skeleton_macros", "The Word file contains macros; save it as a document without macros (.docx)."
        )
    if any("activex" in value or "oleobject" in value for value in declared):
        raise SkeletonRefused(
            "skeleton_embedded_object", "The Word file contains embedded objects or ActiveX controls."
        )
    if _WORD_MAIN not in declared:
        raise SkeletonRefused(
            "skeleton_not_docx", "This isn't a Word document (.docx): its main part isn't one of Word."
        )


def refuse_unsafe_relationships(part: str, root: etree._Element) -> None:
    """Raise `SkeletonRefused` for relationships that embed objects or load something from outside.

    Hyperlinks of the web and of mail are the only external targets allowed: they do nothing until a reader clicks.
    """
    for element in root.iter(f"{{{PACKAGE_RELATIONSHIPS_NS}}}Relationship"):
        kind = str(element.get("Type")).rsplit("/", 1)[-1]
        target = str(element.get("Target") or "")
        if kind in _EMBEDDED_KINDS:
            raise SkeletonRefused(
                "skeleton_embedded_object",
                "The Word file contains embedded objects or other documents.",
                details={"part": part, "kind": kind},
            )
        external = element.get("TargetMode") == "External"
        if external and not (kind == "hyperlink" and _SAFE_LINK.match(target)):
            raise SkeletonRefused(
                "skeleton_external_relationship",
                "The Word file loads something from outside (a linked picture, template or file); embed or remove it.",
                details={"part": part, "kind": kind, "target": target[:200]},
            )


def refuse_unsafe_fields(part: str, root: etree._Element) -> None:
    """Raise `SkeletonRefused` (`skeleton_active_field`) for fields that run commands or read other files."""
    instructions = [str(node.get(w("instr")) or "") for node in root.iter(w("fldSimple"))]
    pending = ""
    for node in root.iter(w("instrText"), w("fldChar")):
        if node.tag == w("instrText"):
            pending += node.text or ""
        else:
            instructions.append(pending)
            pending = ""
    for instruction in [*instructions, pending]:
        if _ACTIVE_FIELD.match(instruction):
            raise SkeletonRefused(
                "skeleton_active_field",
                "The Word file has a field that reads other files or runs a command; remove it.",
                details={"part": part, "field": instruction.strip()[:80]},
            )
