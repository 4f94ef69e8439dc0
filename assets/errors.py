"""What can be wrong with an uploaded image."""

from __future__ import annotations

from astra_site.lib.errors import InvalidInput, TooLarge, Unsupported


class ImageMalformed(InvalidInput):
    """The bytes aren't a readable image."""


class ImageUnsupported(Unsupported):
    """A kind of file that isn't taken as an image."""


class ImageTooLarge(TooLarge):
    """More bytes or more pixels than the limit."""
