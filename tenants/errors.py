"""What can be wrong with a tenant's configuration and quota."""

from __future__ import annotations

from astra_site.lib.errors import AstraError, Conflict, Forbidden, InvalidInput, NotFound, TooLarge, Unauthenticated


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


class ConfigAltered(AstraError):
    """The database holds another configuration than the one that was published (`config_altered`): ours to find out."""


class UnknownModelEngine(InvalidInput):
    """A model was to be registered for an engine that this installation does not have (`registry_engine_unknown`)."""


class QuotaExhausted(Conflict):
    """Too little AI time is left for this input (`quota_exhausted`). What was recorded is kept.

    Permanent for the call: it succeeds after a top-up or in the next month, not when it is repeated.
    """


class StorageQuotaExhausted(Conflict):
    """Too little storage is left (`storage_quota_exhausted`) for a new session or file."""


class QuotaChangeInvalid(InvalidInput):
    """A top-up or limit that makes no sense, or a reference that was used for another one."""


class ClientInvalid(InvalidInput):
    """An API client with no scopes, or with some that do not exist (`client_scopes_invalid`)."""


class ClientUnknown(Unauthenticated):
    """No such API client, another secret, or one that was revoked or has expired: which, is not said."""


class ScopeRefused(Forbidden):
    """A token was asked for with scopes that the client does not have."""


class SignInRefused(Forbidden):
    """The identity provider knows the person, but its claims open nothing here (`oidc_no_council` …)."""


class SignInInvalid(Unauthenticated):
    """What came back from the identity provider is not what was asked for (`oidc_token_invalid` …)."""
