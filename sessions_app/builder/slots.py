"""The places of an opened skeleton where content goes, each with one way to fill it.

All places are found before the first one is filled, so that nothing a session brings is ever taken for a place.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from lxml import etree

from sessions_app.builder.runs import detach, make_paragraph, make_run, paragraph_properties, text_format
from sessions_app.builder.word_document import WordDocument
from tenants.skeleton.controls import Control, ControlLevel, kind_of, scan_controls
from tenants.skeleton.markers import find_markers, paragraph_text, replace_markers
from tenants.skeleton.model import PlaceholderKind, kind_from_name
from tenants.skeleton.pictures import PICTURE_PROPERTIES, picture_name, picture_run
from tenants.skeleton.wordml import attribute, is_deleted, w

_ZONE_KINDS = (PlaceholderKind.BLOCK_ZONE, PlaceholderKind.IMAGE)
_PROMPT_ONLY = ("showingPlcHdr", "placeholder", "dataBinding", "picture")
"""What must go when a control is filled: the prompt flags, and a binding that would overwrite the text on opening."""


class ZoneSlot(Protocol):
    """A place for whole paragraphs."""

    tag: str
    kind: PlaceholderKind

    @property
    def paragraph_model(self) -> etree._Element | None:
        """The paragraph properties that the skeleton's author gave the place."""

    @property
    def run_model(self) -> etree._Element | None:
        """The run properties that the skeleton's author gave the place."""

    @property
    def is_blank(self) -> bool:
        """Whether the place holds nothing but a prompt."""

    def fill(self, paragraphs: Sequence[etree._Element]) -> None:
        """Put the paragraphs there, in order, instead of the prompt. Called once, with at least one paragraph."""


@dataclass(slots=True, eq=False)
class ControlZone:
    """A zone that is a control around paragraphs or around a table cell."""

    tag: str
    kind: PlaceholderKind
    control: Control

    @property
    def paragraph_model(self) -> etree._Element | None:
        """See `ZoneSlot`."""
        return paragraph_properties(next(self.control.content.iter(w("p")), None))

    @property
    def run_model(self) -> etree._Element | None:
        """See `ZoneSlot`."""
        return text_format(self.control)

    @property
    def is_blank(self) -> bool:
        """See `ZoneSlot`."""
        return self.control.shows_prompt

    def fill(self, paragraphs: Sequence[etree._Element]) -> None:
        """See `ZoneSlot`. The control itself goes: LibreOffice shows the first run inside one without its format."""
        holder = _paragraph_holder(self.control)
        for child in list(holder):
            if child.tag != w("tcPr"):
                holder.remove(child)
        holder.extend(paragraphs)
        unwrap(self.control)


@dataclass(slots=True, eq=False)
class ParagraphZone:
    """A zone written inside a paragraph (a marker, a bookmark, a control around runs): paragraphs follow that one."""

    tag: str
    kind: PlaceholderKind
    paragraph: etree._Element
    prompt: Sequence[etree._Element]
    run_model: etree._Element | None = None
    is_blank: bool = True

    @property
    def paragraph_model(self) -> etree._Element | None:
        """See `ZoneSlot`."""
        return paragraph_properties(self.paragraph)

    def fill(self, paragraphs: Sequence[etree._Element]) -> None:
        """See `ZoneSlot`. A paragraph that held nothing but the prompt disappears."""
        for node in self.prompt:
            detach(node)
        replace_markers(self.paragraph, lambda name: "" if name == self.tag else None)
        for paragraph in reversed(paragraphs):
            self.paragraph.addnext(paragraph)
        has_section = self.paragraph.find(f"{w('pPr')}/{w('sectPr')}") is not None
        if not has_section and not paragraph_text(self.paragraph).strip() and not _has_objects(self.paragraph):
            detach(self.paragraph)


@dataclass(slots=True, eq=False)
class Slots:
    """Every place of a skeleton, by what it takes."""

    zones: dict[str, ZoneSlot] = field(default_factory=dict)
    spare_zones: list[ZoneSlot] = field(default_factory=list)
    tables: dict[str, Control] = field(default_factory=dict)
    texts: list[Control] = field(default_factory=list)
    marked_paragraphs: list[etree._Element] = field(default_factory=list)
    bookmarks: list[etree._Element] = field(default_factory=list)

    def add_zone(self, zone: ZoneSlot, *, in_body: bool) -> None:
        """Take the first zone of a name in the body; others are emptied of their prompt, no more."""
        if in_body and zone.tag not in self.zones:
            self.zones[zone.tag] = zone
        else:
            self.spare_zones.append(zone)


def find_slots(document: WordDocument) -> Slots:
    """Find all places in body, headers, footers and notes."""
    slots = Slots()
    for root in document.roots:
        scan = scan_controls(root)
        owned = {control.element for control in scan.placeholders}
        for control in scan.placeholders:
            _sort_control(control, slots, in_body=root is document.root)
        for paragraph in root.iter(w("p")):
            if not any(ancestor in owned for ancestor in paragraph.iterancestors(w("sdt"))):
                _sort_paragraph(paragraph, owned, slots, in_body=root is document.root)
    return slots


def clear_prompt(control: Control) -> None:
    """Mark a control as filled by its content."""
    for name in _PROMPT_ONLY:
        for node in control.properties.findall(w(name)):
            control.properties.remove(node)
    for node in list(control.properties):
        if str(node.tag).endswith("}dataBinding"):
            control.properties.remove(node)
    date = control.properties.find(w("date"))
    if date is not None:
        etree.strip_attributes(date, w("fullDate"))


def unwrap(control: Control) -> None:
    """Take a control away and leave what it holds in its place."""
    for child in list(control.content):
        control.element.addprevious(child)
    detach(control.element)


def set_control_text(control: Control, text: str) -> None:
    """Replace what a text control shows by one line, in the format its author chose."""
    run = make_run(text, text_format(control))
    model = paragraph_properties(next(control.content.iter(w("p")), None))
    clear_prompt(control)
    if control.level is ControlLevel.RUN:
        for child in list(control.content):
            control.content.remove(child)
        control.content.append(run)
        return
    holder = _paragraph_holder(control)
    for child in list(holder):
        if child.tag != w("tcPr"):
            holder.remove(child)
    holder.append(make_paragraph(model, [run]))


def set_bookmark_text(start: etree._Element, text: str) -> None:
    """Replace the runs between a bookmark's start and its end in the same paragraph by one line."""
    first = next((node for node in bookmarked(start) if node.tag == w("r")), None)
    model = None if first is None else first.find(w("rPr"))
    run = make_run(text, model)
    for node in bookmarked(start):
        detach(node)
    start.addnext(run)


def bookmarked(start: etree._Element) -> list[etree._Element]:
    """Return the siblings between a bookmark's start and its end."""
    found: list[etree._Element] = []
    for node in start.itersiblings():
        if node.tag == w("bookmarkEnd") and attribute(node, "id") == attribute(start, "id"):
            break
        if node.tag not in (w("bookmarkStart"), w("bookmarkEnd")):
            found.append(node)
    return found


def _sort_control(control: Control, slots: Slots, *, in_body: bool) -> None:
    kind = kind_of(control)
    if kind is PlaceholderKind.TABLE:
        if control.table is not None and in_body:
            slots.tables.setdefault(control.tag, control)
    elif kind not in _ZONE_KINDS:
        slots.texts.append(control)
    elif control.level is ControlLevel.RUN:
        paragraph = next(control.element.iterancestors(w("p")))
        own = (text_format(control), control.shows_prompt)
        zone = ParagraphZone(control.tag, kind, paragraph, [control.element], *own)
        slots.add_zone(zone, in_body=in_body)
    else:
        slots.add_zone(ControlZone(control.tag, kind, control), in_body=in_body)


def _sort_paragraph(paragraph: etree._Element, owned: set[etree._Element], slots: Slots, *, in_body: bool) -> None:
    markers = find_markers(paragraph)
    for marker in markers:
        kind = kind_from_name(marker.name)
        if kind in _ZONE_KINDS:
            slots.add_zone(ParagraphZone(marker.name, kind, paragraph, []), in_body=in_body)
    if markers:
        slots.marked_paragraphs.append(paragraph)
    if in_body:
        _sort_pictures(paragraph, owned, slots)
    for start in _named_bookmarks(paragraph):
        name = attribute(start, "name") or ""
        kind = kind_from_name(name)
        if kind in _ZONE_KINDS and name not in slots.zones:
            slots.add_zone(ParagraphZone(name, kind, paragraph, bookmarked(start)), in_body=in_body)
        elif kind not in _ZONE_KINDS:
            slots.bookmarks.append(start)


def _sort_pictures(paragraph: etree._Element, owned: set[etree._Element], slots: Slots) -> None:
    """Take pictures that carry a name. They are the author's, so they stay where nothing comes in their stead."""
    for properties in paragraph.iter(PICTURE_PROPERTIES):
        name, run = picture_name(properties), picture_run(properties)
        if name is None or run is None or is_deleted(run) or next(run.iterancestors(w("p"))) is not paragraph:
            continue
        if name not in slots.zones and not any(control in owned for control in run.iterancestors(w("sdt"))):
            zone = ParagraphZone(name, PlaceholderKind.IMAGE, paragraph, [run], is_blank=False)
            slots.add_zone(zone, in_body=True)


def _named_bookmarks(paragraph: etree._Element) -> Iterator[etree._Element]:
    for start in paragraph.findall(w("bookmarkStart")):
        if not (attribute(start, "name") or "_").startswith("_"):
            yield start


def _paragraph_holder(control: Control) -> etree._Element:
    """Return the element whose children are the control's paragraphs: the table cell, if there is one."""
    cell = control.content.find(w("tc"))
    if cell is None:
        cell = control.content.find(f"{w('tr')}/{w('tc')}")
    return control.content if cell is None else cell


def _has_objects(paragraph: etree._Element) -> bool:
    return next(paragraph.iter(w("drawing"), w("pict"), w("object"), w("fldChar"), w("fldSimple")), None) is not None
