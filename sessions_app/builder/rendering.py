"""Blocks as paragraphs: speeches with their speaker, notes, pending audio, images with captions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from lxml import etree

from sessions_app.builder.dump import Block, BlockType, SessionDump
from sessions_app.builder.model import ImageFile
from sessions_app.builder.pictures import Frame, image_of, picture_run, text_frame
from sessions_app.builder.runs import make_paragraph, make_run, styled, with_flags
from sessions_app.builder.slots import ZoneSlot
from sessions_app.builder.spanish import position
from sessions_app.builder.text import clean_line, clean_lines
from sessions_app.builder.trace import Tracer
from sessions_app.builder.word_document import WordDocument
from tenants.skeleton.wordml import attribute, w

_CAPTION_STYLE: Final = "caption"


@dataclass(frozen=True, slots=True)
class Look:
    """How the paragraphs of one place look: the properties its author gave it, and the styles of the style map."""

    speech: etree._Element | None
    heading: etree._Element | None
    note: etree._Element | None
    caption: etree._Element | None
    run: etree._Element | None
    heading_flags: tuple[str, ...]
    note_flags: tuple[str, ...]


def look_of(document: WordDocument, style_map: Mapping[str, str], slot: ZoneSlot | None) -> Look:
    """Return the look of a place; None stands for the place at the end that the skeleton doesn't have.

    A style that the author gave the zone wins for speeches; headings and notes always use the style map's styles. Where
    the skeleton lacks a style, bold or italic letters stand in for it.
    """
    model = None if slot is None else slot.paragraph_model

    def with_style(name: str, role_model: etree._Element | None) -> etree._Element | None:
        style_id = document.styles.id_of(style_map.get(name, name))
        return None if style_id is None else styled(role_model, style_id)

    zone_style = None if model is None else attribute(model.find(w("pStyle")))
    own_style = zone_style is not None and not document.styles.is_default(zone_style)
    speech, heading, note = with_style("SPEECH", model), with_style("HEADING", None), with_style("NOTE", None)
    return Look(
        speech=model if own_style or speech is None else speech,
        heading=model if heading is None else heading,
        note=model if note is None else note,
        caption=with_style(_CAPTION_STYLE, None),
        run=None if slot is None else slot.run_model,
        heading_flags=("b",) if heading is None else (),
        note_flags=("i",) if note is None else (),
    )


@dataclass(slots=True)
class Renderer:
    """Turns the blocks of a session into paragraphs, in session order within each place."""

    document: WordDocument
    dump: SessionDump
    images: Mapping[str, ImageFile]
    tracer: Tracer
    turn_starts: frozenset[str]
    _frame: Frame = field(init=False)
    _image_count: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        """Measure the page once."""
        self._frame = text_frame(self.document.body)

    def render(self, blocks: Iterable[Block], placeholder: str, look: Look) -> list[etree._Element]:
        """Return the paragraphs of one place, each traced. Empty when no block has anything to show."""
        paragraphs: list[etree._Element] = []
        topic = ""
        for block in blocks:
            block_topic = clean_line(block.topic or "")
            rendered = self._render_block(block, look)
            if rendered and block_topic and block_topic != topic:
                paragraphs.append(heading_paragraph(block_topic, look))
            topic = block_topic or topic
            if rendered:
                self.tracer.mark(block, placeholder, rendered[:1] if block.type is BlockType.IMAGE else rendered)
                paragraphs.extend(rendered)
        return paragraphs

    def _render_block(self, block: Block, look: Look) -> list[etree._Element]:
        if block.type is BlockType.IMAGE:
            return self._image(block, look)
        lines = clean_lines(block.text)
        if block.is_pending:
            words = self._speech(block, lines, look) if block.type is BlockType.AUDIO_PENDING else []
            return [note_paragraph(_pending_text(block), look), *words]
        if block.type is BlockType.SYSTEM_NOTE:
            return [note_paragraph(line, look) for line in lines]
        return self._speech(block, lines, look)

    def _speech(self, block: Block, lines: Sequence[str], look: Look) -> list[etree._Element]:
        paragraphs = []
        for index, line in enumerate(lines):
            runs = [make_run(line, look.run)]
            speaker = clean_line(block.speaker or "")
            if index == 0 and speaker and block.block_id in self.turn_starts:
                runs.insert(0, make_run(f"{speaker}: ", with_flags(look.run, "b", "caps")))
            paragraphs.append(make_paragraph(look.speech, runs))
        return paragraphs

    def _image(self, block: Block, look: Look) -> list[etree._Element]:
        image = image_of(block, self.dump, self.images)
        self._image_count += 1
        name = f"Imagen {self._image_count}"
        asset = self.dump.assets.get(str(block.data.get("asset_id", "")))
        known = block.data.get("caption") if "caption" in block.data else asset.caption if asset else None
        caption = clean_line(str(known or block.text))
        run = picture_run(self.document, image, self._frame, name, caption or name)
        below = f"{name}. {caption}" if caption else f"{name}."
        return [_picture_paragraph(run), _caption_paragraph(below, look)]


def heading_paragraph(text: str, look: Look) -> etree._Element:
    """Return a heading inside a place."""
    run_format = with_flags(None, *look.heading_flags) if look.heading_flags else None
    return make_paragraph(look.heading, [make_run(text, run_format)])


def note_paragraph(text: str, look: Look) -> etree._Element:
    """Return a note that nobody spoke."""
    run_format = with_flags(None, *look.note_flags) if look.note_flags else None
    return make_paragraph(look.note, [make_run(text, run_format)])


def turn_starts(placed: Iterable[tuple[Block, str]]) -> frozenset[str]:
    """Return the ids of the blocks that open a turn: the speaker or the place changed since the block before."""
    starts: set[str] = set()
    before: tuple[str, str] | None = None
    for block, placeholder in placed:
        if block.type in (BlockType.IMAGE, BlockType.SYSTEM_NOTE):
            continue
        turn = (clean_line(block.speaker or ""), placeholder)
        if turn != before and not block.is_pending and clean_lines(block.text):
            starts.add(block.block_id)
        if block.is_pending or clean_lines(block.text):
            before = None if block.is_pending else turn
    return frozenset(starts)


def _pending_text(block: Block) -> str:
    place = f"fragmento {block.sequence_id}"
    if block.audio is not None:
        audio = block.audio
        start_ms = audio.start_ms if audio.session_start_ms is None else audio.session_start_ms
        place += f", de {position(start_ms)} a {position(start_ms + audio.end_ms - audio.start_ms)}"
    if block.type is BlockType.AUDIO_PENDING and clean_lines(block.text):
        return f"[Transcripción pendiente de revisión: {place}]"
    if block.status.value == "ERROR_PENDING_REVIEW":
        return f"[Audio sin transcribir, pendiente de revisión: {place}]"
    return f"[Audio pendiente de transcripción: {place}]"


def _picture_paragraph(run: etree._Element) -> etree._Element:
    properties = etree.Element(w("pPr"))
    etree.SubElement(properties, w("keepNext"))
    etree.SubElement(properties, w("jc")).set(w("val"), "center")
    return make_paragraph(properties, [run])


def _caption_paragraph(text: str, look: Look) -> etree._Element:
    if look.caption is not None:
        return make_paragraph(look.caption, [make_run(text)])
    return note_paragraph(text, look)
