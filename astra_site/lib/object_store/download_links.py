"""Download links of the local store: a path whose last part names the object, signed with the site's secret key."""

from __future__ import annotations

from datetime import datetime

from django.core import signing

from astra_site.lib.clock import utc_now
from astra_site.lib.object_store.errors import DownloadLinkRefused
from astra_site.lib.object_store.protocol import Bucket, checked_key

_SALT = "astra.object-download"


def make_download_token(bucket: Bucket, key: str, ttl_s: int, now: datetime | None = None) -> str:
    """Return a token, safe in a URL path, that names one object for `ttl_s` seconds (HMAC-SHA-256)."""
    expires = int((now or utc_now()).timestamp()) + ttl_s
    return signing.dumps([bucket.value, checked_key(key), expires], salt=_SALT)


def read_download_token(token: str, now: datetime | None = None) -> tuple[Bucket, str]:
    """Return the bucket and key that a token names; raise `DownloadLinkRefused` for a forged or expired one."""
    try:
        bucket, key, expires = signing.loads(token, salt=_SALT)
    except signing.BadSignature as error:
        raise DownloadLinkRefused("download_link_refused", "This link is not valid: ask for a new one.") from error
    if (now or utc_now()).timestamp() >= expires:
        raise DownloadLinkRefused("download_link_refused", "This link has expired: ask for a new one.")
    return Bucket(bucket), checked_key(key)
