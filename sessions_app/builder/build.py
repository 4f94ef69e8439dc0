"""Minutes from a skeleton, a session dump and the session's images."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from lxml import etree

from astra_site.lib.hashing import Sha256
from sessions_app.builder.dump import SessionDump, read_dump
from sessions_app.builder.model import BuiltDocument, ImageFile, UnplacedBlock, UnplacedReason
from sessions_app.builder.properties import set_core_properties
from sessions_app.builder.rendering import Renderer, heading_paragraph, look_of, note_paragraph, turn_starts
from sessions_app.builder.routing import NO_PLACE, route
from sessions_app.builder.runs import make_paragraph, make_run
from sessions_app.builder.slots import Slots, ZoneSlot, find_slots, set_bookmark_text, set_control_text
from sessions_app.builder.tables import fill_table, records
from sessions_app.builder.trace import Tracer, add_trace_part
from sessions_app.builder.values import field_value
from sessions_app.builder.word_document import WordDocument
from tenants.skeleton.markers import replace_markers
from tenants.skeleton.model import PlaceholderKind, kind_from_name
from tenants.skeleton.wordml import attribute, w

NO_DATA: Final = "(sin dato)"
EMPTY_ZONE: Final = "Sin registro en esta sesión."
EMPTY_IMAGE_ZONE: Final = "Sin imágenes anexas."
LEFTOVER_HEADING: Final = "Textos sin ubicación"


def build_minutes(skeleton: bytes, dump: Mapping[str, Any], images: Mapping[str, ImageFile]) -> BuiltDocument:
    """Fill the skeleton with the session.

    Args:
        skeleton: the pinned DOCX.
        dump: the session dump, `astra.session-dump/1`.
        images: the images of the dump's IMAGE blocks by asset id, normalised to PNG or JPEG.

    Guarantees: pure and deterministic (equal input, equal bytes); every block's text is in the document, in session
    order within its place, as text and nothing else; each paragraph is bookmarked and traced to its audio. Time is
    linear in the number of blocks.
    Raises `BuildRefused`, and `SkeletonRefused` or `SkeletonTooLarge` when the skeleton itself isn't safe to open.
    """
    session = read_dump(dump)
    document = WordDocument.open(skeleton)
    slots = find_slots(document)
    tracer = Tracer(document)
    unplaced = [*_fill_zones(document, slots, session, images, tracer), *_fill_tables(slots, session, tracer)]
    _fill_texts(slots, session)
    add_trace_part(document, session, tracer.traces)
    set_core_properties(document, session)
    docx = document.save()
    return BuiltDocument(docx, Sha256.of(docx), tuple(unplaced), tracer.traces)


def _fill_zones(
    document: WordDocument, slots: Slots, session: SessionDump, images: Mapping[str, ImageFile], tracer: Tracer
) -> tuple[UnplacedBlock, ...]:
    routing = route(session, slots.zones)
    renderer = Renderer(document, session, images, tracer, turn_starts(routing.placed))
    places = routing.by_place()
    style_map = session.config.content.style_map
    filled = {}
    for tag, slot in slots.zones.items():
        look = look_of(document, style_map, slot)
        paragraphs = renderer.render(places.get(tag, ()), tag, look)
        filled[tag] = paragraphs or _without_blocks(slot, session, note_paragraph(_empty_text(slot), look))
    leftovers = places.get(NO_PLACE, [])
    if leftovers:
        look = look_of(document, style_map, None)
        paragraphs = renderer.render(leftovers, NO_PLACE, look)
        _append(document.body, [heading_paragraph(LEFTOVER_HEADING, look), *paragraphs] if paragraphs else [])
    for tag, paragraphs in filled.items():
        if paragraphs:
            slots.zones[tag].fill(paragraphs)
    for slot in slots.spare_zones:
        if slot.is_blank:
            slot.fill(_without_blocks(slot, session, make_paragraph(slot.paragraph_model)))
    return routing.unplaced


def _without_blocks(slot: ZoneSlot, session: SessionDump, empty: etree._Element) -> list[etree._Element]:
    """Return what a place without blocks shows: its field's value, `empty`, or nothing new over the author's text."""
    expression = session.config.content.field_map.get(slot.tag)
    if expression is not None:
        value = field_value(expression, session) or NO_DATA
        return [make_paragraph(slot.paragraph_model, [make_run(value, slot.run_model)])]
    announced = kind_from_name(slot.tag) is PlaceholderKind.BLOCK_ZONE
    return [empty] if slot.is_blank or announced else []


def _empty_text(slot: ZoneSlot) -> str:
    return EMPTY_IMAGE_ZONE if slot.kind is PlaceholderKind.IMAGE else EMPTY_ZONE


def _append(body: etree._Element, paragraphs: list[etree._Element]) -> None:
    section = body.find(w("sectPr"))
    for paragraph in paragraphs:
        if section is None:
            body.append(paragraph)
        else:
            section.addprevious(paragraph)


def _fill_tables(slots: Slots, session: SessionDump, tracer: Tracer) -> list[UnplacedBlock]:
    unplaced: list[UnplacedBlock] = []
    for intent, rule in session.config.content.table_map.items():
        found = records(rule, intent, session)
        control = slots.tables.get(rule.table_id)
        if control is not None:
            fill_table(control, rule, found, tracer)
        else:
            blocks = dict.fromkeys(record.block.block_id for record in found)
            unplaced += [UnplacedBlock(name, rule.table_id, UnplacedReason.TABLE_MISSING) for name in blocks]
    return unplaced


def _fill_texts(slots: Slots, session: SessionDump) -> None:
    fields = session.config.content.field_map
    values = {tag: field_value(expression, session) for tag, expression in fields.items()}

    def value_of(tag: str) -> str:
        blank = "" if kind_from_name(tag) is PlaceholderKind.SIGNATURE else NO_DATA
        return values.get(tag) or blank

    for control in slots.texts:
        if control.tag in fields or control.shows_prompt:
            set_control_text(control, value_of(control.tag))
    for paragraph in slots.marked_paragraphs:
        replace_markers(paragraph, value_of)
    for start in slots.bookmarks:
        name = attribute(start, "name") or ""
        if name in fields:
            set_bookmark_text(start, value_of(name))
