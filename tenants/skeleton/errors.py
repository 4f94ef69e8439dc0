"""What can be wrong with a Word file that a tenant uploads as a skeleton."""

from __future__ import annotations

from astra_site.lib.errors import InvalidInput, TooLarge


class SkeletonRefused(InvalidInput):
    """The file isn't a Word document that may be used as a skeleton; `code` says why."""


class SkeletonTooLarge(TooLarge):
    """The file, or what it unpacks to, is over a limit."""


class PartMalformed(SkeletonRefused):
    """A part is damaged or not well-formed XML (`skeleton_xml_malformed`); fatal for the main document only."""

    def __init__(self, part: str) -> None:
        super().__init__(
            "skeleton_xml_malformed",
            f"The part {part[:200]} of the Word file is damaged or isn't well-formed XML.",
            details={"part": part[:200]},
        )


class SkeletonAltered(InvalidInput):
    """A stored skeleton doesn't have the hash of its version any more (`skeleton_altered`)."""
