"""The styles of a Word document, as far as skeletons and minutes need them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from lxml import etree

from tenants.skeleton.wordml import attribute, number_of, w

_MAX_INHERITANCE: Final = 20


@dataclass(frozen=True, slots=True)
class Style:
    """One paragraph style. `outline_level` is 0 for the top heading level, None when the style itself says nothing."""

    id: str
    name: str
    based_on: str | None
    outline_level: int | None
    is_default: bool


class StyleSheet:
    """Paragraph styles by id and by name."""

    def __init__(self, root: etree._Element | None) -> None:
        """Read `word/styles.xml`; None stands for a document without that part."""
        styles = [] if root is None else [_read_style(node) for node in root.findall(w("style")) if _is_paragraph(node)]
        self._by_id = {style.id: style for style in styles}
        self._by_name = {style.name.casefold(): style for style in styles}

    def id_of(self, name: str) -> str | None:
        """Return the id of the paragraph style with that name or, failing that, that id."""
        found = self._by_name.get(name.casefold()) or self._by_id.get(name)
        return None if found is None else found.id

    def is_default(self, style_id: str) -> bool:
        """Whether the id is the default paragraph style's."""
        style = self._by_id.get(style_id)
        return style is not None and style.is_default

    def outline_level(self, style_id: str | None) -> int | None:
        """Return the heading level a style gives its paragraphs (0 = top), following what it is based on."""
        for _ in range(_MAX_INHERITANCE):
            style = self._by_id.get(style_id or "")
            if style is None:
                return None
            if style.outline_level is not None:
                return style.outline_level if style.outline_level < 9 else None
            style_id = style.based_on
        return None


def _is_paragraph(node: etree._Element) -> bool:
    return attribute(node, "type") == "paragraph"


def _read_style(node: etree._Element) -> Style:
    style_id = attribute(node, "styleId") or ""
    return Style(
        id=style_id,
        name=attribute(node.find(w("name"))) or style_id,
        based_on=attribute(node.find(w("basedOn"))),
        outline_level=number_of(attribute(node.find(f"{w('pPr')}/{w('outlineLvl')}"))),
        is_default=attribute(node, "default") in ("1", "true", "on"),
    )
