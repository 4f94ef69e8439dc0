"""What a skeleton's author should look at: collected while a document is read, each thing told once."""

from __future__ import annotations

from typing import Final

from tenants.skeleton.model import SkeletonWarning
from tenants.skeleton.naming import shortened

MAX_WARNINGS: Final = 200
WARNINGS: Final = {
    "part_unreadable": "The part {detail} of the file can't be read; minutes are made without it.",
    "control_is_container": "{tag} wraps other controls and isn't filled.",
    "control_repeats": "{tag} is a repeating section that isn't a table's rows; what is in it is filled once.",
    "control_without_tag": "The control titled {detail} has no tag, so nothing can be put there.",
    "name_unusable": "{detail} can't be a placeholder's name: use up to 64 letters, digits and underscores.",
    "marker_unreadable": "A marker can't be read: {detail}",
    "placeholder_repeated": "{tag} occurs more than once; only the first is filled.",
    "placeholder_kinds_differ": "{tag} occurs more than once, as different kinds of placeholder.",
    "placeholder_outside_body": "{tag} stands outside of the document's body, where only text is filled.",
    "table_missing": "{tag} announces a table, but there is none inside.",
    "table_without_columns": "No row of {tag} names its columns.",
    "outline_cut": "The document has more headings than are listed.",
    "warnings_cut": "There is more to look at than is listed here.",
    "no_block_zone": "There is no zone for speeches; they would all go to the end.",
}
"""Every code with its sentence in English."""


class WarningList:
    """Warnings in the order in which they came, without repetitions, up to `MAX_WARNINGS`."""

    def __init__(self) -> None:
        """Begin empty."""
        self._found: dict[tuple[str, str | None, str], SkeletonWarning] = {}

    def add(self, code: str, tag: str | None = None, detail: str = "") -> None:
        """Add a warning of a known code; `tag` is a usable name, `detail` any foreign text."""
        detail = shortened(detail, 80)
        key = (code, tag, detail)
        if key in self._found or len(self._found) > MAX_WARNINGS:
            return
        if len(self._found) == MAX_WARNINGS:
            code, tag, detail = "warnings_cut", None, ""
        message = WARNINGS[code].replace("{tag}", tag or "").replace("{detail}", detail)
        self._found[key] = SkeletonWarning(code, message, tag, detail)

    def found(self) -> tuple[SkeletonWarning, ...]:
        """Return what was added."""
        return tuple(self._found.values())
