"""WordprocessingML names, and the one way in which XML of a foreign document is read."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from typing import Final

from lxml import etree

from tenants.skeleton.errors import PartMalformed, SkeletonRefused

W_NS: Final = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
MC_NS: Final = "http://schemas.openxmlformats.org/markup-compatibility/2006"
W15_NS: Final = "http://schemas.microsoft.com/office/word/2012/wordml"
STRICT_W_NS: Final = "http://purl.oclc.org/ooxml/wordprocessingml/main"
R_NS: Final = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE_RELATIONSHIPS_NS: Final = "http://schemas.openxmlformats.org/package/2006/relationships"
CONTENT_TYPES_NS: Final = "http://schemas.openxmlformats.org/package/2006/content-types"
RELATIONSHIP_BASE: Final = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/"
XML_SPACE: Final = "{http://www.w3.org/XML/1998/namespace}space"

_BEFORE_XML: Final = b"\xef\xbb\xbf\xff\xfe \t\r\n"
_DECLARED_ENCODING: Final = re.compile(rb"""<\?xml[^>]*?encoding\s*=\s*["']([^"']*)""")
_ENCODINGS: Final = frozenset(
    {b"utf-8", b"utf8", b"utf-16", b"utf-16le", b"utf-16be", b"us-ascii", b"ascii", b"iso-8859-1", b"windows-1252"}
)

NAMESPACES: Final = {"w": W_NS, "r": R_NS}
_ROW: Final = f"{{{W_NS}}}tr"
_DELETED_ROW: Final = f"{{{W_NS}}}trPr/{{{W_NS}}}del"
_REMOVED: Final = frozenset({f"{{{W_NS}}}del", f"{{{W_NS}}}moveFrom"})
_BRANCHES: Final = frozenset({f"{{{MC_NS}}}Choice", f"{{{MC_NS}}}Fallback"})
ASIDE_TAGS: Final = (*sorted(_REMOVED), *sorted(_BRANCHES))
"""The elements that `is_aside` can be true of."""


def w(name: str) -> str:
    """Return a WordprocessingML name in lxml's `{namespace}name` form."""
    return f"{{{W_NS}}}{name}"


def parse_xml(data: bytes, part: str) -> etree._Element:
    """Parse one part without network, entities or oversized nodes.

    Raises `PartMalformed`, or `SkeletonRefused` (`skeleton_xml_unsafe`) when there is a document type declaration
    (Word never writes one; entity attacks need one). Encodings in which `<` isn't the byte `<` are malformed too:
    no Word document has them, and what is counted and sniffed before parsing would be wrong.
    """
    start = data[:300].replace(b"\x00", b"").lstrip(_BEFORE_XML)
    declared = _DECLARED_ENCODING.match(start)
    if not start.startswith(b"<") or (declared is not None and declared[1].lower() not in _ENCODINGS):
        raise PartMalformed(part)
    parser = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=False, load_dtd=False)
    try:
        root = etree.fromstring(data, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise PartMalformed(part) from error
    if root.getroottree().docinfo.internalDTD is not None:
        raise SkeletonRefused(
            "skeleton_xml_unsafe",
            f"The part {part} of the Word file declares a document type, which no Word document needs.",
            details={"part": part},
        )
    return root


def serialise_xml(root: etree._Element) -> bytes:
    """Return the bytes of a part as Word writes them: UTF-8, declared, stand-alone."""
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8", standalone=True)


def attribute(element: etree._Element | None, name: str = "val") -> str | None:
    """Return a `w:` attribute of an element that may be missing."""
    return None if element is None else element.get(w(name))


def number_of(text: str | None) -> int | None:
    """Return the whole number that Word wrote, which has at most ten digits; None for anything else."""
    return int(text) if text is not None and len(text) <= 10 and text.isascii() and text.isdigit() else None


def is_deleted(element: etree._Element) -> bool:
    """Tell whether an element is marked as deleted or moved away, itself or with its row."""
    return any(
        node.tag in _REMOVED or (node.tag == _ROW and node.find(_DELETED_ROW) is not None)
        for node in (element, *element.iterancestors())
    )


def is_second_branch(element: etree._Element) -> bool:
    """Tell whether an element stands in a branch that readers don't take who took the first.

    Word writes each text box twice, for new readers (`mc:Choice`) and for old ones (`mc:Fallback`).
    """
    return any(map(_is_later_branch, element.iterancestors(*_BRANCHES)))


def is_aside(node: etree._Element) -> bool:
    """Tell whether an element itself is what people don't read: a tracked deletion, or a second branch."""
    return node.tag in _REMOVED or (node.tag in _BRANCHES and _is_later_branch(node))


def visible(element: etree._Element, *tags: str, without: str = "") -> Iterator[etree._Element]:
    """Yield the descendants with these tags in document order, deletions and second branches left out.

    Below an element named `without` nothing is looked for.
    """
    walk = etree.iterwalk(element, events=("start",), tag=(*tags, without or w("t"), *ASIDE_TAGS))
    for _, node in walk:
        if node is element:
            continue
        if node.tag == without or is_aside(node):
            walk.skip_subtree()
        elif node.tag in tags:
            yield node


def text_of(element: etree._Element) -> str:
    """Return the visible text below an element, runs joined as Word shows them; text boxes have their own."""
    pieces: list[str] = []
    for node in visible(element, w("t"), w("tab"), w("br"), without=w("txbxContent")):
        if node.tag == w("t"):
            pieces.append(node.text or "")
        else:
            parent = node.getparent()
            if parent is not None and parent.tag == w("r"):
                pieces.append(" ")
    return "".join(pieces)


_NEAR: Final = 8


def _is_later_branch(branch: etree._Element) -> bool:
    # Branches stand side by side; whatever else a file puts between them is not walked over again and again.
    return any(sibling.tag in _BRANCHES for sibling in islice(branch.itersiblings(preceding=True), _NEAR))
