"""What can be wrong with a tenant's configuration."""

from __future__ import annotations

from astra_site.lib.errors import InvalidInput, NotFound


class ConfigInvalid(InvalidInput):
    """The configuration does not fit its schema or the skeleton; `details["problems"]` lists each problem."""


class NothingPublished(NotFound):
    """The tenant has no published configuration or no skeleton yet."""
