"""Which block goes to which place of the skeleton."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sessions_app.builder.dump import Block, BlockType, SessionDump
from sessions_app.builder.model import UnplacedBlock, UnplacedReason
from sessions_app.builder.slots import ZoneSlot
from tenants.skeleton.model import PlaceholderKind

NO_PLACE = ""
"""The name of the place at the end of the document for what has no other."""


@dataclass(frozen=True, slots=True)
class Routing:
    """Every block with its place, in session order, and the blocks that found none."""

    placed: tuple[tuple[Block, str], ...]
    unplaced: tuple[UnplacedBlock, ...]

    def by_place(self) -> dict[str, list[Block]]:
        """Return the blocks of each place in session order."""
        places: dict[str, list[Block]] = {}
        for block, place in self.placed:
            places.setdefault(place, []).append(block)
        return places


def route(dump: SessionDump, zones: Mapping[str, ZoneSlot]) -> Routing:
    """Send each block to the first place that exists.

    That is its own target, then its template's zone, then (notes and pending audio without a target) where the block
    before it went, then the image zone for images, then the default zone, then the end. No block is left out.
    """
    placed: list[tuple[Block, str]] = []
    unplaced: list[UnplacedBlock] = []
    before: str | None = None
    for block in dump.blocks:
        wanted = _wanted(block, dump, before)
        takers = (PlaceholderKind.BLOCK_ZONE, PlaceholderKind.IMAGE)[: 2 if block.type is BlockType.IMAGE else 1]
        place = next((tag for tag in wanted if tag in zones and zones[tag].kind in takers), NO_PLACE)
        if place == NO_PLACE:
            missing = wanted[0] if wanted else "default_zone"
            unplaced.append(UnplacedBlock(block.block_id, missing, UnplacedReason.ZONE_MISSING))
        placed.append((block, place))
        if block.type is not BlockType.IMAGE:
            before = place
    return Routing(tuple(placed), tuple(unplaced))


def _wanted(block: Block, dump: SessionDump, before: str | None) -> list[str]:
    content = dump.config.content
    wanted = [block.target_placeholder, content.zone_map.get(block.template_id or "")]
    if block.type in (BlockType.SYSTEM_NOTE, BlockType.AUDIO_PENDING):
        wanted.append(before)
    if block.type is BlockType.IMAGE:
        wanted.append(content.image_zone)
    wanted.append(content.default_zone)
    return [tag for tag in wanted if tag]
