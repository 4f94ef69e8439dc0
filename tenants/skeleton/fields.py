"""Word fields: which ones a skeleton may have. Source: ISO/IEC 29500-1, 17.16.

A field's instruction can be split over runs, hold other fields, and stand in branches of which Word reads only one.
What is checked here is what Word will read: fields are followed as a stack, and wherever two readers could see two
different instructions, the field is refused.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

from lxml import etree

from tenants.skeleton.errors import SkeletonRefused
from tenants.skeleton.wordml import STRICT_W_NS, W_NS

ALLOWED_FIELDS: Final = frozenset(
    {
        *("PAGE", "NUMPAGES", "SECTION", "SECTIONPAGES", "PAGEREF", "REF", "NOTEREF", "STYLEREF", "SEQ"),
        *("TOC", "TC", "INDEX", "XE", "HYPERLINK", "LISTNUM", "AUTONUM", "AUTONUMLGL", "AUTONUMOUT", "SYMBOL"),
        *("DATE", "TIME", "CREATEDATE", "SAVEDATE", "PRINTDATE", "EDITTIME"),
        *("AUTHOR", "TITLE", "SUBJECT", "KEYWORDS", "COMMENTS", "LASTSAVEDBY", "USERNAME", "USERINITIALS", "FILENAME"),
        *("FILESIZE", "REVNUM", "NUMWORDS", "NUMCHARS", "DOCPROPERTY", "FORMTEXT", "FORMCHECKBOX", "FORMDROPDOWN"),
        *("BIBLIOGRAPHY", "CITATION"),
    }
)
"""Fields that number, date, refer within the document, or wait for a click; none reads other files or runs anything."""
SAFE_LINK: Final = re.compile(r"(https?|mailto):", re.IGNORECASE)
_NESTED: Final = "\x00"
"""Stands in an instruction where another field is: what that one yields is not known here."""
_NAME: Final = re.compile(r"\s*([A-Za-z]+)(?=[\s\\\"]|\Z)")
_TOKEN: Final = re.compile(r'"([^"]*)"|(\\[^\s"]*)|([^\s"\\]\S*)')
_LINK_SWITCHES: Final = {name: takes for takes, names in ((True, "lots*"), (False, "nmh")) for name in names}
"""Switches of HYPERLINK; True for those that take the next word."""
_BRANCHES: Final = frozenset({"Choice", "Fallback", "txbxContent"})
_REMOVED: Final = frozenset({"del", "moveFrom"})
_NODES: Final = frozenset({"fldSimple", "fldChar", "instrText", "delInstrText", "t", "delText"})
_WORD: Final = frozenset({W_NS, STRICT_W_NS})
_TAGS: Final = (
    *(f"{{*}}{name}" for name in sorted(_BRANCHES)),
    *(f"{{{namespace}}}{name}" for namespace in sorted(_WORD) for name in sorted(_NODES)),
)


@dataclass(slots=True)
class _Open:
    """A field that has begun: its instruction so far, and whether that still goes on."""

    is_instruction: bool = True
    instruction: list[str] = field(default_factory=list)


def refuse_unsafe_fields(part: str, root: etree._Element) -> None:
    """Raise `SkeletonRefused` (`skeleton_active_field`) for fields that are not known to be harmless.

    Refused are fields outside `ALLOWED_FIELDS`, links to anything but web and mail, and fields that can't be read
    with certainty: names put together by other fields, halves of fields, instructions with tracked deletions.
    """
    _Fields(part).walk(root)


class _Fields:
    """The fields of one part. Each branch of alternative content and each text box is a story of its own."""

    def __init__(self, part: str) -> None:
        self._part = part
        self._stories: list[list[_Open]] = [[]]

    def walk(self, root: etree._Element) -> None:
        for event, element in etree.iterwalk(root, events=("start", "end"), tag=_TAGS):
            name = etree.QName(element).localname
            if name in _BRANCHES:
                self._branch(event)
            else:
                self._node(event, element, name)
        self._close_story()

    def _branch(self, event: str) -> None:
        if event == "start":
            self._interrupt(self._stories[-1])
            self._stories.append([])
        else:
            self._close_story()

    def _close_story(self) -> None:
        if self._stories.pop():
            raise self._refused("a field without an end")

    def _node(self, event: str, element: etree._Element, name: str) -> None:
        fields = self._stories[-1]
        if name in ("t", "delText"):
            if event == "start" and fields and fields[-1].is_instruction:
                self._read(element, fields)
        elif name == "fldSimple":
            self._simple(event, element, fields)
        elif event == "start":
            self._check_place(element)
            if name == "fldChar":
                self._mark(_attribute(element, "fldCharType"), fields)
            else:
                self._read(element, fields)

    def _simple(self, event: str, element: etree._Element, fields: list[_Open]) -> None:
        if event == "start":
            self._check_place(element)
            self._begin(fields, _Open(is_instruction=False, instruction=[_attribute(element, "instr")]))
        elif fields:
            self._check(fields.pop())
        else:
            raise self._refused("an end without a field")

    def _mark(self, kind: str, fields: list[_Open]) -> None:
        if kind == "begin":
            self._begin(fields, _Open())
        elif not fields:
            raise self._refused("an end without a field")
        elif kind == "separate":
            fields[-1].is_instruction = False
        elif kind == "end":
            self._check(fields.pop())
        else:
            raise self._refused(kind)

    def _begin(self, fields: list[_Open], begun: _Open) -> None:
        self._interrupt(fields)
        fields.append(begun)

    def _interrupt(self, fields: list[_Open]) -> None:
        if fields and fields[-1].is_instruction:
            fields[-1].instruction.append(_NESTED)

    def _read(self, element: etree._Element, fields: list[_Open]) -> None:
        text = element.text or ""
        if not fields or not fields[-1].is_instruction:
            raise self._refused(text)
        self._check_place(element)
        fields[-1].instruction.append(text)

    def _check_place(self, element: etree._Element) -> None:
        """Refuse what Word may leave out: tracked deletions, and content in elements that it may not know."""
        for above in (element, *element.iterancestors()):
            name = etree.QName(above)
            if name.localname in _BRANCHES:
                return
            removed = name.localname in _REMOVED or name.localname in ("delInstrText", "delText")
            if removed or name.namespace not in _WORD:
                raise self._refused("a field with tracked changes or in unknown content")

    def _check(self, ended: _Open) -> None:
        instruction = "".join(ended.instruction)
        name = _NAME.match(instruction)
        if name is None or name[1].upper() not in ALLOWED_FIELDS:
            raise self._refused(instruction)
        if name[1].upper() == "HYPERLINK" and not _is_safe_link(instruction[name.end() :]):
            raise self._refused(instruction)

    def _refused(self, instruction: str) -> SkeletonRefused:
        shown = instruction.replace(_NESTED, "{…}").strip()[:80]
        return SkeletonRefused(
            "skeleton_active_field",
            f"The Word file has a field that may read other files or run a command, or that can't be read: {shown}. "
            "Remove it, or accept the tracked changes in it.",
            details={"part": self._part, "field": shown},
        )


def _is_safe_link(arguments: str) -> bool:
    """Tell whether the arguments of a HYPERLINK lead only to places in the document, the web and mail."""
    if _NESTED in arguments or '\\"' in arguments or arguments.count('"') % 2:
        return False
    tokens = iter(_TOKEN.finditer(arguments))
    for token in tokens:
        if token[2] is None:
            if not SAFE_LINK.match(token[1] if token[1] is not None else token[3]):
                return False
            continue
        takes_word = _LINK_SWITCHES.get(token[2][1:].lower())
        if takes_word is None:
            return False
        word = next(tokens, None) if takes_word else None
        if word is not None and word[2] is not None:
            return False
    return True


def _attribute(element: etree._Element, name: str) -> str:
    return next((str(value) for key, value in element.items() if etree.QName(key).localname == name), "")
