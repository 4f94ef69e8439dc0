"""What can be wrong with a tenant's configuration and quota."""

from __future__ import annotations

from astra_site.lib.errors import Conflict, InvalidInput, NotFound, TooLarge


class ConfigInvalid(InvalidInput):
    """The configuration does not fit its schema or the skeleton; `details["problems"]` lists each problem."""


class ConfigTooLarge(TooLarge):
    """A configuration file beyond the limit (`config_too_large`)."""


class DraftConflict(Conflict):
    """The draft, or what is published, is not what the caller saw (`draft_changed`, `config_published_meanwhile`)."""


class PictureUnavailable(NotFound):
    """No picture of a skeleton's page: there is no such page, or nothing here can draw it now."""


class NothingPublished(NotFound):
    """The tenant has no published configuration or no skeleton yet."""


class QuotaExhausted(Conflict):
    """Too little AI time is left for this input (`quota_exhausted`). What was recorded is kept.

    Permanent for the call: it succeeds after a top-up or in the next month, not when it is repeated.
    """


class StorageQuotaExhausted(Conflict):
    """Too little storage is left (`storage_quota_exhausted`) for a new session or file."""


class QuotaChangeInvalid(InvalidInput):
    """A top-up or limit that makes no sense, or a reference that was used for another one."""
