"""A session as it should be, in plain Python: no database, no queue, no buffer. What the product is compared with."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from tests.model.places import Place

SHOWN = ("block_id", "type", "status", "text", "speaker", "topic", "restricted")
"""What of a block the model knows."""
IMAGE_PART = 100_000
SPLIT_PART = 200_000


@dataclass(frozen=True, slots=True)
class Input:
    """What came in under a number. `words` is what it says once it is heard; None where nothing is said in it."""

    kind: str
    content: str
    words: str | None


@dataclass(frozen=True, slots=True)
class Context:
    """What holds from a number on."""

    from_sequence_id: int
    speaker: str | None = None
    topic: str | None = None
    restricted: bool = False


@dataclass(frozen=True, slots=True)
class Image:
    """A picture behind an input."""

    after_sequence_id: int
    content: str
    restricted: bool
    number: int

    @property
    def block_id(self) -> str:
        """The id of its block."""
        return f"{self.after_sequence_id}.{IMAGE_PART + self.number}"


@dataclass(frozen=True, slots=True)
class Block:
    """A block as people see it, and where it stands."""

    block_id: str
    type: str
    status: str
    text: str
    speaker: str | None
    topic: str | None
    restricted: bool
    place: Place

    @property
    def sequence_id(self) -> int:
        """The input that it comes from."""
        return int(self.block_id.partition(".")[0])

    @property
    def part(self) -> int:
        """Which part of it."""
        return int(self.block_id.partition(".")[2])

    def shown(self) -> tuple[Any, ...]:
        """Return what is compared; a note's words are the product's own."""
        return tuple("" if name == "text" and self.type == "SYSTEM_NOTE" else getattr(self, name) for name in SHOWN)


class Refusal(Exception):
    """The product has to refuse, with this code."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(slots=True)
class SessionModel:
    """One session. Methods change it as the product has to; they raise `Refusal` where the product must.

    `corrected` are the blocks that a clerk has touched, as they are now, and `gone` those that are no more: they stand
    over whatever the inputs say. A second version of minutes begins with the blocks that it has `inherited`.
    """

    inputs: dict[int, Input] = field(default_factory=dict)
    heard: set[int] = field(default_factory=set)
    understood: set[int] = field(default_factory=set)
    contexts: list[Context] = field(default_factory=list)
    images: list[Image] = field(default_factory=list)
    corrected: dict[str, Block] = field(default_factory=dict)
    gone: set[str] = field(default_factory=set)
    splits: dict[int, int] = field(default_factory=dict)
    inherited: dict[str, Block] = field(default_factory=dict)
    inherited_through: int = 0
    inherited_missing: tuple[int, ...] = ()
    is_second_version: bool = False
    was_abandoned: bool = False
    state: str = "OPEN"
    final: int | None = None
    accept_gaps: bool = False

    def copy(self) -> SessionModel:
        """Return an independent copy."""
        return replace(
            self,
            inputs=dict(self.inputs),
            heard=set(self.heard),
            understood=set(self.understood),
            contexts=list(self.contexts),
            images=list(self.images),
            corrected=dict(self.corrected),
            gone=set(self.gone),
            splits=dict(self.splits),
        )

    @property
    def highest(self) -> int:
        """The highest accepted number."""
        return max(self.inputs, default=self.inherited_through)

    @property
    def is_empty(self) -> bool:
        """Say whether nothing at all was recorded."""
        recorded = self.inputs or self.contexts or self.images
        return not (recorded or self.is_second_version or self.was_abandoned)

    @property
    def pending(self) -> list[int]:
        """The accepted numbers that are not understood yet."""
        return sorted(self.inputs.keys() - self.understood)

    @property
    def missing(self) -> list[int]:
        """The numbers that never came; those that never came to the first version are waited for by nobody."""
        numbers = range(self.inherited_through + 1, (self.final or self.highest) + 1)
        return [number for number in numbers if number not in self.inputs]

    def append(self, number: int, given: Input) -> bool:
        """Accept an input; returns whether it is a repetition."""
        known = self.inputs.get(number)
        if known is not None and (known.kind, known.content) == (given.kind, given.content):
            return True
        if known is not None:
            raise Refusal("sequence_conflict")
        if number <= self.inherited_through:
            raise Refusal("sequence_inherited")
        fills_gap = self.state == "DRAINING" and number <= (self.final or 0) and not self.accept_gaps
        if self.state != "OPEN" and not fills_gap:
            raise self._takes_no_more()
        self.inputs[number] = given
        if given.kind == "text":
            self.heard.add(number)
        return False

    def set_context(self, changes: Mapping[str, Any]) -> None:
        """Change what holds for the inputs after the highest one."""
        if self.state != "OPEN":
            raise self._takes_no_more()
        last = self.contexts[-1] if self.contexts else Context(0)
        self.contexts.append(replace(last, from_sequence_id=self.highest + 1, **changes))

    def show_image(self, content: str, after: int | None) -> bool:
        """Accept an image; returns whether it is a repetition."""
        if any(image.content == content for image in self.images):
            return True
        if self.state != "OPEN":
            raise self._takes_no_more()
        held = self.context_of(self.highest + 1 if after is None else after)
        place = self.highest if after is None else after
        self.images.append(Image(place, content, held.restricted, len(self.images) + 1))
        return False

    def work_on(self, number: int) -> None:
        """Do the job of one input."""
        self.heard.add(number)
        self.move_on()

    def move_on(self) -> None:
        """Understand what can be understood, in order, and begin to build where nothing is left to wait for."""
        self._understand(skip_missing=False)
        self._advance()

    def finalize(self, *, accept_gaps: bool) -> None:
        """Ask for the minutes. This by itself understands nothing unless gaps are accepted."""
        if self.state == "ABANDONED":
            raise self._takes_no_more()
        if self.state == "OPEN" and self.is_empty:
            raise Refusal("session_empty")
        if self.state == "OPEN":
            self.state, self.final, self.accept_gaps = "DRAINING", self.highest, accept_gaps
        elif self.state == "DRAINING":
            self.accept_gaps = self.accept_gaps or accept_gaps
        self._advance()

    def abandon(self) -> None:
        """Put the session away if it is open, because nobody has used it for long."""
        if self.state == "OPEN":
            self.state, self.was_abandoned = "ABANDONED", True

    def resume(self) -> None:
        """Take the session back; again and again is fine."""
        if self.state == "OPEN" and self.was_abandoned:
            return
        if self.state != "ABANDONED":
            raise Refusal("session_not_abandoned")
        self.state = "OPEN"

    def second_version(self) -> SessionModel:
        """Return what a clone of this closed session begins with."""
        gaps = [
            Block(f"{first}.0", "SYSTEM_NOTE", "READY", "", None, None, False, (first, 0)) for first in self._gaps()
        ]
        blocks = {block.block_id: block for block in [*self.blocks(), *gaps]}
        splits: dict[int, int] = {}
        for block in blocks.values():
            if block.part > SPLIT_PART:
                splits[block.sequence_id] = max(block.part, splits.get(block.sequence_id, 0))
        return SessionModel(
            images=list(self.images),
            inherited=blocks,
            splits=splits,
            inherited_through=self.highest,
            inherited_missing=(*self.inherited_missing, *self.missing),
            is_second_version=True,
        )

    def context_of(self, number: int) -> Context:
        """Return what holds for an input."""
        return next((held for held in reversed(self.contexts) if held.from_sequence_id <= number), Context(0))

    def blocks(self) -> list[Block]:
        """Return the blocks in the order of the document."""
        natural = {block.block_id: block for block in self._natural()}
        found = {**natural, **self.corrected}
        live = [block for block_id, block in found.items() if block_id not in self.gone]
        return sorted(live, key=lambda block: (block.place, block.sequence_id, block.part))

    def block(self, block_id: str) -> Block:
        """Return a block that is there."""
        return next(block for block in self.blocks() if block.block_id == block_id)

    def _takes_no_more(self) -> Refusal:
        return Refusal("session_abandoned" if self.state == "ABANDONED" else "session_not_open")

    def _natural(self) -> Iterator[Block]:
        """Yield the blocks as the inputs say them, without corrections."""
        yield from self.inherited.values()
        for number, given in self.inputs.items():
            if number not in self.understood:
                yield Block(f"{number}.0", "TEXT", "PROCESSING", "", None, None, False, (number, 0))
            elif given.words is not None:
                held = self.context_of(number)
                said = (held.speaker, held.topic, held.restricted)
                yield Block(f"{number}.0", "TEMPLATE", "READY", given.words, *said, (number, 0))
        for image in self.images:
            if image.block_id not in self.inherited:
                place = (image.after_sequence_id, IMAGE_PART + image.number)
                yield Block(image.block_id, "IMAGE", "READY", "", None, None, image.restricted, place)

    def _gaps(self) -> list[int]:
        """Return the first numbers of the ranges that never came."""
        return [number for number in self.missing if number - 1 not in self.missing]

    def _understand(self, *, skip_missing: bool) -> None:
        frontier = max(self.understood, default=self.inherited_through)
        for number in sorted(number for number in self.inputs if number > frontier):
            if number not in self.heard or (number != frontier + 1 and not skip_missing):
                return
            self.understood.add(number)
            frontier = number

    def _advance(self) -> None:
        if self.state != "DRAINING":
            return
        if self.accept_gaps:
            self._understand(skip_missing=True)
        if not self.pending and (self.accept_gaps or not self.missing):
            self.state = "BUILDING"


def shown(block: Mapping[str, Any]) -> tuple[Any, ...]:
    """Return what of a block of the product the model knows."""
    return tuple("" if name == "text" and block["type"] == "SYSTEM_NOTE" else block[name] for name in SHOWN)
