"""What can be wrong with a Word file that a tenant uploads as a skeleton."""

from __future__ import annotations

from astra_site.lib.errors import InvalidInput, TooLarge


class SkeletonRefused(InvalidInput):
    """The file isn't a Word document that may be used as a skeleton; `code` says why."""


class SkeletonTooLarge(TooLarge):
    """The file, or what it unpacks to, is over a limit."""
