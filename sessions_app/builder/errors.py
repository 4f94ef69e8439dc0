"""Why minutes can't be built."""

from __future__ import annotations

from astra_site.lib.errors import InvalidInput


class BuildRefused(InvalidInput):
    """The dump, the images and the skeleton don't fit together; the same input will never build."""
