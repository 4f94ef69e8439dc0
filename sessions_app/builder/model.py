"""What the builder takes beside the dump, and what it gives back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from astra_site.lib.hashing import Sha256
from sessions_app.builder.dump import AudioSpan

IMAGE_EXTENSIONS: Final[Mapping[str, str]] = MappingProxyType({"image/png": "png", "image/jpeg": "jpeg"})
"""The media types that can be embedded, and the file name ending each gets inside the document."""


@dataclass(frozen=True, slots=True)
class ImageFile:
    """A normalised image (see `assets.images`): its bytes, `image/png` or `image/jpeg`, and its size in pixels."""

    data: bytes
    media_type: str
    width_px: int
    height_px: int


class UnplacedReason(StrEnum):
    """Why content isn't where the configuration sends it."""

    ZONE_MISSING = "zone_missing"
    TABLE_MISSING = "table_missing"


@dataclass(frozen=True, slots=True)
class UnplacedBlock:
    """A block whose place the skeleton doesn't have. Its text is in the document, at the end; its table row isn't."""

    block_id: str
    placeholder: str
    reason: UnplacedReason


@dataclass(frozen=True, slots=True)
class ParagraphTrace:
    """One stretch of the document and the block it came from.

    `bookmark` is the Word bookmark around the text. The audio times are milliseconds inside the chunk's own audio.
    `further` are the stretches behind the first one, where words of different places were put together.
    """

    bookmark: str
    block_id: str
    placeholder: str
    sequence_id: int
    start_ms: int | None
    end_ms: int | None
    audio_sha256: str | None
    further: tuple[AudioSpan, ...] = ()


@dataclass(frozen=True, slots=True)
class BuiltDocument:
    """The minutes: the DOCX, its hash, what had no place of its own, and the trace of every paragraph, in order."""

    docx: bytes
    sha256: Sha256
    unplaced: tuple[UnplacedBlock, ...]
    paragraph_trace: tuple[ParagraphTrace, ...]
