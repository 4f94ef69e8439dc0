"""Text as text: what a transcript may bring into a document, and what is taken out."""

from __future__ import annotations

import re
from typing import Final

_LINE_ENDS: Final = re.compile("\r\n|[\r\n\x0b\x0c\x85\u2028\u2029]")
_REMOVED: Final = re.compile(
    "["
    "\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f"  # control characters
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # marks and overrides that change the reading direction
    "\u200b\u2060-\u2064\u206a-\u206f\ufeff\ufff9-\ufffb"  # invisible format characters
    "\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff"  # surrogates and characters that XML refuses
    "\U000e0000-\U000e007f"  # invisible tags
    "]"
)
_SPACES: Final = re.compile(r"[ \t\u00a0]+")


def clean_lines(text: str) -> list[str]:
    """Return the lines of a text that have something to show, free of control, direction and invisible characters.

    Nothing else is changed: markup, braces and field codes stay as the characters they are.
    """
    lines = (_SPACES.sub(" ", _REMOVED.sub("", line)).strip() for line in _LINE_ENDS.split(text))
    return [line for line in lines if line]


def clean_line(text: str) -> str:
    """Return a text cleaned and on one line; empty when there is nothing to show."""
    return " ".join(clean_lines(text))
