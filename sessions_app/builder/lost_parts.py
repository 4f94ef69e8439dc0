"""Taking out what refers to a part that could not be read: a reference into nothing makes Word refuse the document."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from lxml import etree

from sessions_app.builder.runs import detach
from tenants.skeleton.package import Relationship
from tenants.skeleton.wordml import R_NS, w

_WITHOUT_ID: Final = {
    "footnotes": ("footnoteReference",),
    "endnotes": ("endnoteReference",),
    "comments": ("commentReference", "commentRangeStart", "commentRangeEnd"),
}
"""Elements that refer to a part through its kind, not through the id of a relationship."""
_HOLDERS: Final = (w("drawing"), w("pict"), w("object"))


def remove_references(root: etree._Element, lost: Collection[Relationship], *, every: bool = False) -> None:
    """Remove what refers to these relationships, or to any: pictures whole, marks of notes and comments, and links.

    A link keeps its text.
    """
    ids = {relationship.id for relationship in lost}
    for element in list(root.iter("{*}*")):
        for key, value in element.items():
            if etree.QName(key).namespace == R_NS and (every or str(value) in ids):
                _remove(element, str(key))
    for relationship in lost:
        for name in _WITHOUT_ID.get(relationship.type.rsplit("/", 1)[-1], ()):
            for element in list(root.iter(w(name))):
                detach(element)


def _remove(element: etree._Element, attribute: str) -> None:
    if element.tag == w("hyperlink"):
        del element.attrib[attribute]
        return
    holder = next((above for above in element.iterancestors(*_HOLDERS)), element)
    if holder.getparent() is not None:
        detach(holder)
