"""The thread from a paragraph back to its second of audio: bookmarks in the text, and an XML part to explain them."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Final

from lxml import etree

from sessions_app.builder.dump import Block, SessionDump
from sessions_app.builder.model import ParagraphTrace
from sessions_app.builder.word_document import WordDocument
from tenants.skeleton.wordml import RELATIONSHIP_BASE, serialise_xml, w

TRACE_NS: Final = "urn:astra:trace:1"
_PROPERTIES_NS: Final = "http://schemas.openxmlformats.org/officeDocument/2006/customXml"
_PROPERTIES_TYPE: Final = "application/vnd.openxmlformats-officedocument.customXmlProperties+xml"
_CUSTOM_XML_NAMESPACE: Final = uuid.UUID("5d5a3a52-6c1c-5a0e-9f0a-3f3f9d8f7a11")


class Tracer:
    """Draws the bookmarks of one document and remembers what each one stands for."""

    def __init__(self, document: WordDocument) -> None:
        """Start with no bookmarks."""
        self._document = document
        self._found: list[ParagraphTrace] = []

    @property
    def traces(self) -> tuple[ParagraphTrace, ...]:
        """Everything marked so far, in the order of marking."""
        return tuple(self._found)

    def mark(self, block: Block, placeholder: str, paragraphs: Sequence[etree._Element], suffix: str = "") -> None:
        """Bookmark the last run of the first paragraph up to the end of the last one.

        A speaker's name before the text stays outside, so that the bookmark holds exactly the block's text.
        """
        name = f"astra_b_{block.sequence_id}_{block.part}{suffix}"
        number = str(self._document.next_bookmark_id())
        start, end = etree.Element(w("bookmarkStart")), etree.Element(w("bookmarkEnd"))
        start.set(w("id"), number)
        start.set(w("name"), name)
        end.set(w("id"), number)
        runs = paragraphs[0].findall(w("r"))
        if runs:
            runs[-1].addprevious(start)
        else:
            paragraphs[0].append(start)
        paragraphs[-1].append(end)
        audio = block.audio
        self._found.append(
            ParagraphTrace(
                bookmark=name,
                block_id=block.block_id,
                placeholder=placeholder,
                sequence_id=block.sequence_id,
                start_ms=None if audio is None else audio.start_ms,
                end_ms=None if audio is None else audio.end_ms,
                audio_sha256=None if audio is None else audio.sha256,
                further=block.audio_spans[1:],
            )
        )


def add_trace_part(document: WordDocument, dump: SessionDump, traces: Sequence[ParagraphTrace]) -> None:
    """Add the custom XML part that maps each bookmark to block, chunk, milliseconds and audio hash."""
    root = etree.fromstring(f'<trace xmlns="{TRACE_NS}"/>')
    root.set("schema", "astra.trace/1")
    root.set("session", dump.session.id)
    for trace in traces:
        element = etree.SubElement(root, f"{{{TRACE_NS}}}paragraph")
        element.set("bookmark", trace.bookmark)
        element.set("block", trace.block_id)
        element.set("placeholder", trace.placeholder)
        element.set("sequence", str(trace.sequence_id))
        if trace.audio_sha256 is not None:
            element.set("start_ms", str(trace.start_ms))
            element.set("end_ms", str(trace.end_ms))
            element.set("audio", trace.audio_sha256)
        for span in trace.further:
            behind = etree.SubElement(element, f"{{{TRACE_NS}}}span")
            behind.set("sequence", str(span.sequence_id))
            behind.set("start_ms", str(span.start_ms))
            behind.set("end_ms", str(span.end_ms))
            behind.set("audio", span.sha256)
    part = document.add_part("customXml/astra_trace", "xml", serialise_xml(root), "application/xml")
    properties = etree.Element(f"{{{_PROPERTIES_NS}}}datastoreItem", nsmap={"ds": _PROPERTIES_NS})
    item_id = uuid.uuid5(_CUSTOM_XML_NAMESPACE, dump.session.id)
    properties.set(f"{{{_PROPERTIES_NS}}}itemID", f"{{{str(item_id).upper()}}}")
    references = etree.SubElement(properties, f"{{{_PROPERTIES_NS}}}schemaRefs")
    etree.SubElement(references, f"{{{_PROPERTIES_NS}}}schemaRef").set(f"{{{_PROPERTIES_NS}}}uri", TRACE_NS)
    described = document.add_part("customXml/astra_traceProps", "xml", serialise_xml(properties), _PROPERTIES_TYPE)
    document.relate(part, described, RELATIONSHIP_BASE + "customXmlProps")
    document.relate_from_document(part, RELATIONSHIP_BASE + "customXml")
