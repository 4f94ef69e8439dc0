"""Paragraphs and runs as WordprocessingML: the only place where session text becomes XML."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Final

from lxml import etree

from tenants.skeleton.controls import Control
from tenants.skeleton.wordml import W_NS, XML_SPACE, w

_NSMAP: Final = {"w": W_NS}
_RUN_ORDER: Final = ("rStyle", "rFonts", "b", "bCs", "i", "iCs", "caps", "smallCaps")
"""The beginning of the order that the schema prescribes inside `w:rPr`."""


def make_run(text: str, properties: etree._Element | None = None) -> etree._Element:
    """Return a run that shows exactly this text; it must be clean (see `sessions_app.builder.text`)."""
    run = etree.Element(w("r"), nsmap=_NSMAP)
    if properties is not None and len(properties):
        run.append(copy.deepcopy(properties))
    node = etree.SubElement(run, w("t"))
    node.set(XML_SPACE, "preserve")
    node.text = text
    return run


def make_paragraph(properties: etree._Element | None, runs: Sequence[etree._Element] = ()) -> etree._Element:
    """Return a paragraph with a copy of these properties."""
    paragraph = etree.Element(w("p"), nsmap=_NSMAP)
    if properties is not None:
        paragraph.append(copy.deepcopy(properties))
    paragraph.extend(runs)
    return paragraph


def with_flags(properties: etree._Element | None, *flags: str) -> etree._Element:
    """Return a copy of run properties with on/off properties such as `b` or `caps` switched on, in schema order."""
    result = etree.Element(w("rPr"), nsmap=_NSMAP) if properties is None else copy.deepcopy(properties)
    for flag in flags:
        for old in result.findall(w(flag)):
            result.remove(old)
        before = {w(name) for name in _RUN_ORDER[: _RUN_ORDER.index(flag)]}
        index = max((place + 1 for place, child in enumerate(result) if child.tag in before), default=0)
        result.insert(index, etree.Element(w(flag)))
    return result


def styled(properties: etree._Element | None, style_id: str) -> etree._Element:
    """Return a copy of paragraph properties under another style."""
    result = etree.Element(w("pPr"), nsmap=_NSMAP) if properties is None else copy.deepcopy(properties)
    for old in result.findall(w("pStyle")):
        result.remove(old)
    style = etree.Element(w("pStyle"))
    style.set(w("val"), style_id)
    result.insert(0, style)
    return result


def paragraph_properties(paragraph: etree._Element | None) -> etree._Element | None:
    """Return a copy of a model paragraph's properties without what belongs to that one paragraph only."""
    found = None if paragraph is None else paragraph.find(w("pPr"))
    if found is None:
        return None
    result = copy.deepcopy(found)
    for name in ("sectPr", "pPrChange", "rPr"):
        for node in result.findall(w(name)):
            result.remove(node)
    return result


def detach(node: etree._Element) -> None:
    """Take an element out of its tree, if it is still in one."""
    parent = node.getparent()
    if parent is not None:
        parent.remove(node)


def text_format(control: Control) -> etree._Element | None:
    """Return the run properties that text put into a control should have: the control's own, not the prompt's."""
    own = control.properties.find(w("rPr"))
    first = next(control.content.iter(w("r")), None)
    shown = None if first is None else first.find(w("rPr"))
    if own is not None or shown is None:
        return None if own is None else copy.deepcopy(own)
    result = copy.deepcopy(shown)
    if control.shows_prompt:
        for name in ("rStyle", "color"):
            for node in result.findall(w(name)):
                result.remove(node)
    return result
