"""What a skeleton offers: its placeholders and its outline, as plain values."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any


class PlaceholderKind(StrEnum):
    """What may be put into a placeholder."""

    TEXT = "text"
    BLOCK_ZONE = "block_zone"
    TABLE = "table"
    IMAGE = "image"
    SIGNATURE = "signature"


class PlaceholderSource(StrEnum):
    """How the placeholder is written in Word."""

    CONTROL = "control"
    MARKER = "marker"
    BOOKMARK = "bookmark"
    PICTURE = "picture"


@dataclass(frozen=True, slots=True)
class Placeholder:
    """One name that content can be sent to.

    `location` is `Header`, `Footer`, `Notes` or `Body:Section_N`, where N counts the top-level headings before it
    (0 = before the first). `columns` are the names in a table's template row, in order. `occurrences` counts the
    places that carry the same name; all of them receive the same text. `sample` is what stands there now, in one line,
    `heading_path` the headings above the place, highest first, and `order` its number in the document, from 1.
    """

    tag: str
    kind: PlaceholderKind
    source: PlaceholderSource
    location: str
    label: str
    columns: tuple[str, ...] = ()
    occurrences: int = 1
    sample: str = ""
    heading_path: tuple[str, ...] = ()
    order: int = 0


@dataclass(frozen=True, slots=True)
class OutlineEntry:
    """One heading: its level (1 = top), its text, and the location name of what follows it."""

    level: int
    text: str
    location: str


@dataclass(frozen=True, slots=True)
class SkeletonWarning:
    """Something the person who made the skeleton should look at; it doesn't stop the skeleton from being used.

    `message` is English; for other languages there are the `code` and what it is about: a name (`tag`), and a `detail`
    such as a part of the file or a piece of its text, each shortened to one harmless line.
    """

    code: str
    message: str
    tag: str | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Skeleton:
    """What was discovered in a DOCX, in document order (headers first, then body, then footers and notes)."""

    placeholders: tuple[Placeholder, ...]
    outline: tuple[OutlineEntry, ...]
    warnings: tuple[SkeletonWarning, ...]

    def placeholder(self, tag: str) -> Placeholder | None:
        """Return the placeholder of that name, if there is one."""
        return next((found for found in self.placeholders if found.tag == tag), None)

    def to_json(self) -> dict[str, Any]:
        """Return the skeleton as JSON-serialisable values."""
        return asdict(self)


def kind_from_name(tag: str) -> PlaceholderKind | None:
    """Return the kind that a name's prefix announces, or None for an ordinary name."""
    prefix = tag.upper().split("_", 1)[0] if "_" in tag else ""
    return {
        "ZONA": PlaceholderKind.BLOCK_ZONE,
        "ZONE": PlaceholderKind.BLOCK_ZONE,
        "TBL": PlaceholderKind.TABLE,
        "IMG": PlaceholderKind.IMAGE,
        "FIRMA": PlaceholderKind.SIGNATURE,
        "SIGNATURE": PlaceholderKind.SIGNATURE,
    }.get(prefix)
