"""The corrections there are, as values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from astra_site.lib.hashing import Sha256


@dataclass(frozen=True, slots=True)
class Edit:
    """Other words, another speaker, another topic. `changes` holds `text`, `speaker`, `topic`: only what changes."""

    changes: Mapping[str, str | None]


@dataclass(frozen=True, slots=True)
class Split:
    """Two blocks out of one: the second begins with the character at `at` (Unicode code points, from 0)."""

    at: int


@dataclass(frozen=True, slots=True)
class Merge:
    """One block out of two neighbours, written one behind the other in the order of the document."""

    other_block_id: str
    joined_by: Literal[" ", "", "\n"] = " "


@dataclass(frozen=True, slots=True)
class Move:
    """Another place in the document: right behind `after`, or right before `before`."""

    after: str | None = None
    before: str | None = None

    @property
    def anchor(self) -> str:
        """The id of the block that it is to stand beside."""
        return self.after or self.before or ""


@dataclass(frozen=True, slots=True)
class Retype:
    """Another meaning. `changes` holds `intent`, `template_id`, `zone`, `data`: only what changes.

    What follows from a change by the pinned configuration changes with it: the template with the intent, the zone with
    the template, the table with intent and data. `zone: None` is the zone that follows.
    """

    changes: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Restrict:
    """Kept out of the public edition, or put back into it."""

    restricted: bool


Operation = Edit | Split | Merge | Move | Retype | Restrict

NAMES: Mapping[type[Operation], str] = {
    Edit: "edit",
    Split: "split",
    Merge: "merge",
    Move: "move",
    Retype: "retype",
    Restrict: "restrict",
}


@dataclass(frozen=True, slots=True)
class Correction:
    """One wish of a clerk.

    `based_on` holds the revision that the person saw of `block_id`, and of a merge's other block. `edit_id` is the
    client's own name for the wish: sent again, it is answered as before.
    """

    block_id: str
    operation: Operation
    based_on: Mapping[str, int]
    edit_id: str | None = None

    @property
    def name(self) -> str:
        """The operation's name in the journal and in the API."""
        return NAMES[type(self.operation)]

    @property
    def fingerprint(self) -> Sha256:
        """The hash of what is asked for: an `edit_id` that comes again has to mean the same."""
        asked = {"block_id": self.block_id, "operation": self.name, "wanted": asdict(self.operation)}
        return Sha256.of_json({**asked, "based_on": dict(self.based_on)})


@dataclass(frozen=True, slots=True)
class Pins:
    """What a correction has to fit: the session's pinned configuration and skeleton.

    `zones` are the places of the skeleton that take text, `image_zones` those that take images. `own_templates` and
    `own_labels` are what the council gives an intent in place of CORE's.
    """

    templates: Mapping[str, str]
    zone_map: Mapping[str, str]
    default_zone: str
    tables: Mapping[str, str] = field(default_factory=dict)
    zones: frozenset[str] = frozenset()
    image_zones: frozenset[str] = frozenset()
    own_templates: Mapping[str, str] = field(default_factory=dict)
    own_labels: Mapping[str, str] = field(default_factory=dict)
