"""The document's own properties, from the session and never from the clock of the machine that builds."""

from __future__ import annotations

import datetime as dt
from typing import Final

from lxml import etree

from sessions_app.builder.dump import SessionDump
from sessions_app.builder.text import clean_line
from sessions_app.builder.values import field_value
from sessions_app.builder.word_document import WordDocument
from tenants.skeleton.wordml import serialise_xml

_CORE_NS: Final = "http://schemas.openxmlformats.org/package/2006/metadata/core-properties"
_DC_NS: Final = "http://purl.org/dc/elements/1.1/"
_TERMS_NS: Final = "http://purl.org/dc/terms/"
_XSI_NS: Final = "http://www.w3.org/2001/XMLSchema-instance"
_RELATIONSHIP: Final = "http://schemas.openxmlformats.org/package/2006/relationships/metadata/core-properties"
_MEDIA_TYPE: Final = "application/vnd.openxmlformats-package.core-properties+xml"


def set_core_properties(document: WordDocument, dump: SessionDump) -> None:
    """Replace the skeleton's title, author and dates by the session's."""
    root = etree.Element(
        f"{{{_CORE_NS}}}coreProperties", nsmap={"cp": _CORE_NS, "dc": _DC_NS, "dcterms": _TERMS_NS, "xsi": _XSI_NS}
    )
    number = field_value("metadata.number", dump)
    _add(root, _DC_NS, "title", f"Acta N.º {number}" if number else "Acta")
    _add(root, _DC_NS, "creator", clean_line(dump.session.tenant_name))
    _add(root, _DC_NS, "identifier", clean_line(dump.session.id))
    _add(root, _DC_NS, "language", "es-CO")
    moment = dump.session.started_at.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    for name in ("created", "modified"):
        _add(root, _TERMS_NS, name, moment).set(f"{{{_XSI_NS}}}type", "dcterms:W3CDTF")
    document.replace_or_add(_RELATIONSHIP, "docProps/core.xml", serialise_xml(root), _MEDIA_TYPE)


def _add(parent: etree._Element, namespace: str, name: str, text: str) -> etree._Element:
    element = etree.SubElement(parent, f"{{{namespace}}}{name}")
    element.text = text
    return element
