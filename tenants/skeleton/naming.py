"""Names that content can be sent to, and foreign words as far as they are shown to people."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

SHOWN_CHARS: Final = 120
_USABLE: Final = re.compile(r"[^\W\d]\w{0,63}\Z")


def is_usable_name(name: str) -> bool:
    """Tell whether a placeholder may have this name: up to 64 letters, digits and underscores, a letter first.

    Word allows 64 characters of any kind; what a template is sent to has to be said and typed.
    """
    return _USABLE.match(name) is not None


def shortened(text: str, limit: int = SHOWN_CHARS) -> str:
    """Return foreign text in one line of at most `limit` characters, without control and direction characters."""
    kept = "".join(char if not unicodedata.category(char).startswith("C") else " " for char in text[: limit * 8])
    line = " ".join(kept.split())
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"


def around(text: str, start: int, end: int, limit: int = SHOWN_CHARS) -> str:
    """Return the part of a text around a passage, shortened on both sides."""
    margin = max(0, limit - (end - start)) // 2
    first = max(0, min(start - margin, len(text) - limit))
    piece = shortened(text[first : first + limit], limit - 2)
    return f"{'…' if first else ''}{piece}{'…' if first + limit < len(text) and not piece.endswith('…') else ''}"
