"""A session as it should be, in plain Python: no database, no queue, no buffer. What the product is compared with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

SHOWN = ("block_id", "type", "status", "text", "speaker", "topic", "restricted")
"""What of a block the model knows."""
Shown = tuple[Any, ...]


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


class Refusal(Exception):
    """The product has to refuse, with this code."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(slots=True)
class SessionModel:
    """One session. Methods change it as the product has to; they raise `Refusal` where the product must."""

    inputs: dict[int, Input] = field(default_factory=dict)
    heard: set[int] = field(default_factory=set)
    understood: set[int] = field(default_factory=set)
    contexts: list[Context] = field(default_factory=list)
    images: list[Image] = field(default_factory=list)
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
        )

    @property
    def highest(self) -> int:
        """The highest accepted number."""
        return max(self.inputs, default=0)

    @property
    def is_empty(self) -> bool:
        """Say whether nothing at all was recorded."""
        return not (self.inputs or self.contexts or self.images)

    @property
    def pending(self) -> list[int]:
        """The accepted numbers that are not understood yet."""
        return sorted(self.inputs.keys() - self.understood)

    @property
    def missing(self) -> list[int]:
        """The numbers that never came."""
        return [number for number in range(1, (self.final or self.highest) + 1) if number not in self.inputs]

    def append(self, number: int, given: Input) -> bool:
        """Accept an input; returns whether it is a repetition."""
        known = self.inputs.get(number)
        if known is not None and (known.kind, known.content) == (given.kind, given.content):
            return True
        if known is not None:
            raise Refusal("sequence_conflict")
        fills_gap = self.state == "DRAINING" and number <= (self.final or 0) and not self.accept_gaps
        if self.state != "OPEN" and not fills_gap:
            raise Refusal("session_not_open")
        self.inputs[number] = given
        if given.kind == "text":
            self.heard.add(number)
        return False

    def set_context(self, changes: Mapping[str, Any]) -> None:
        """Change what holds for the inputs after the highest one."""
        if self.state != "OPEN":
            raise Refusal("session_not_open")
        last = self.contexts[-1] if self.contexts else Context(0)
        self.contexts.append(replace(last, from_sequence_id=self.highest + 1, **changes))

    def show_image(self, content: str, after: int | None) -> bool:
        """Accept an image; returns whether it is a repetition."""
        if any(image.content == content for image in self.images):
            return True
        if self.state != "OPEN":
            raise Refusal("session_not_open")
        place = self.highest if after is None else after
        # without a place it gets the context of what was said last, which is the newest one
        held = (self.contexts[-1] if self.contexts else Context(0)) if after is None else self.context_of(place)
        self.images.append(Image(place, content, held.restricted))
        return False

    def work_on(self, number: int) -> None:
        """Do the job of one input."""
        self.heard.add(number)
        self.move_on()

    def move_on(self) -> None:
        """Understand what can be understood, in order, and begin to build where nothing is left to wait for."""
        self._understand(skip_missing=False)
        if self.state != "DRAINING":
            return
        if self.accept_gaps:
            self._understand(skip_missing=True)
        if not self.pending and (self.accept_gaps or not self.missing):
            self.state = "BUILDING"

    def finalize(self, *, accept_gaps: bool) -> None:
        """Ask for the minutes."""
        if self.state == "OPEN" and self.is_empty:
            raise Refusal("session_empty")
        if self.state == "OPEN":
            self.state, self.final, self.accept_gaps = "DRAINING", self.highest, accept_gaps
        elif self.state == "DRAINING":
            self.accept_gaps = self.accept_gaps or accept_gaps
        self._advance_only()

    def context_of(self, number: int) -> Context:
        """Return what holds for an input."""
        return next((held for held in reversed(self.contexts) if held.from_sequence_id <= number), Context(0))

    def blocks(self) -> list[Shown]:
        """Return the blocks in the order of the document."""
        found: list[tuple[tuple[int, int], Shown]] = []
        for number, given in self.inputs.items():
            if number not in self.understood:
                block = (f"{number}.0", "TEXT", "PROCESSING", "", None, None, False)
                found.append(((number, 0), block))
            elif given.words is not None:
                held = self.context_of(number)
                block = (f"{number}.0", "TEMPLATE", "READY", given.words, held.speaker, held.topic, held.restricted)
                found.append(((number, 0), block))
        for count, image in enumerate(self.images, start=1):
            block = (f"{image.after_sequence_id}.i{count}", "IMAGE", "READY", "", None, None, image.restricted)
            found.append(((image.after_sequence_id, count), block))
        return [block for _, block in sorted(found, key=lambda pair: pair[0])]

    def _understand(self, *, skip_missing: bool) -> None:
        frontier = max(self.understood, default=0)
        for number in sorted(number for number in self.inputs if number > frontier):
            if number not in self.heard or (number != frontier + 1 and not skip_missing):
                return
            self.understood.add(number)
            frontier = number

    def _advance_only(self) -> None:
        """Finalize by itself understands nothing unless gaps are accepted."""
        if self.state != "DRAINING":
            return
        if self.accept_gaps:
            self._understand(skip_missing=True)
        if not self.pending and (self.accept_gaps or not self.missing):
            self.state = "BUILDING"


def shown(block: Mapping[str, Any], image_part_base: int) -> Shown:
    """Return what of a block the model knows; images are numbered from 1."""
    values = {name: block[name] for name in SHOWN}
    if block["type"] == "IMAGE":
        values["block_id"] = f"{block['sequence_id']}.i{block['part'] - image_part_base}"
    return tuple(values[name] for name in SHOWN)
