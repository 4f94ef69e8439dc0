"""What leads out of a document without a relationship: mail merges, pictures of VML and SVG named by their address."""

from __future__ import annotations

import re
from typing import Final

from lxml import etree

from tenants.skeleton.errors import SkeletonRefused
from tenants.skeleton.wordml import STRICT_W_NS, W_NS

_VML_NS: Final = "urn:schemas-microsoft-com:vml"
_SVG_NS: Final = "http://www.w3.org/2000/svg"
_INSIDE: Final = re.compile(r"\s*(#|data:image/|\Z)", re.IGNORECASE)
"""An address in an SVG that stays in it."""
_STYLE_FETCHES: Final = re.compile(r"@import|url\(\s*+[\"']?+\s*+(?!#|data:image/)", re.IGNORECASE)
_MAIL_MERGES: Final = (f"{{{W_NS}}}mailMerge", f"{{{STRICT_W_NS}}}mailMerge")


def refuse_outward_elements(part: str, root: etree._Element) -> None:
    """Raise `SkeletonRefused` (`skeleton_external_relationship`) for elements that may load something from outside.

    A mail merge runs its query when Word opens the document. A VML picture can name its file by `src`, and an SVG is a
    document of its own, with scripts, styles and links.
    """
    if next(root.iter(*_MAIL_MERGES), None) is not None:
        raise _refused(part, "mailMerge", "")
    for element in root.iter(f"{{{_VML_NS}}}*"):
        source = str(element.get("src") or "").strip()
        if source:
            raise _refused(part, etree.QName(element).localname, source)
    for element in root.iter(f"{{{_SVG_NS}}}*"):
        _check_svg(part, element)


def _check_svg(part: str, element: etree._Element) -> None:
    name = etree.QName(element).localname
    if name in ("script", "foreignObject"):
        raise _refused(part, name, "")
    for key, value in element.items():
        attribute = etree.QName(key).localname.lower()
        leads_out = attribute in ("href", "src") and _INSIDE.match(str(value)) is None
        if leads_out or attribute.startswith("on") or _STYLE_FETCHES.search(str(value)) is not None:
            raise _refused(part, name, str(value))
    if name == "style" and _STYLE_FETCHES.search("".join(map(str, element.itertext()))) is not None:
        raise _refused(part, name, "")


def _refused(part: str, kind: str, target: str) -> SkeletonRefused:
    found = {"part": part, "kind": kind, "target": target[:200]}
    return SkeletonRefused(
        "skeleton_external_relationship",
        "The Word file loads something from outside (a linked picture, data or file); embed or remove it.",
        details={name: value for name, value in found.items() if value},
    )
