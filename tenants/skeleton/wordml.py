"""WordprocessingML names, and the one way in which XML of a foreign document is read."""

from __future__ import annotations

from typing import Final

from lxml import etree

from tenants.skeleton.errors import SkeletonRefused

W_NS: Final = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
STRICT_W_NS: Final = "http://purl.oclc.org/ooxml/wordprocessingml/main"
R_NS: Final = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE_RELATIONSHIPS_NS: Final = "http://schemas.openxmlformats.org/package/2006/relationships"
CONTENT_TYPES_NS: Final = "http://schemas.openxmlformats.org/package/2006/content-types"
RELATIONSHIP_BASE: Final = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/"
XML_SPACE: Final = "{http://www.w3.org/XML/1998/namespace}space"

NAMESPACES: Final = {"w": W_NS, "r": R_NS}


def w(name: str) -> str:
    """Return a WordprocessingML name in lxml's `{namespace}name` form."""
    return f"{{{W_NS}}}{name}"


def parse_xml(data: bytes, part: str) -> etree._Element:
    """Parse one part without network, entities or oversized nodes.

    Raises `SkeletonRefused`: `skeleton_xml_malformed`, or `skeleton_xml_unsafe` when there is a document type
    declaration (Word never writes one; entity attacks need one).
    """
    parser = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=False, load_dtd=False)
    try:
        root = etree.fromstring(data, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise SkeletonRefused(
            "skeleton_xml_malformed", f"The part {part} of the Word file isn't well-formed XML.", details={"part": part}
        ) from error
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


def text_of(element: etree._Element) -> str:
    """Return the visible text below an element, runs joined as Word shows them."""
    pieces: list[str] = []
    for node in element.iter(w("t"), w("tab"), w("br")):
        if node.tag == w("t"):
            pieces.append(node.text or "")
        else:
            parent = node.getparent()
            if parent is not None and parent.tag == w("r"):
                pieces.append(" ")
    return "".join(pieces)
