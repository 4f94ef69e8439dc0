"""Recordings, documents, skeletons and images as whole objects: in a local folder, or over the S3 protocol.

`object_store()` is the one that `OBJECT_STORE_URL` names.
"""

from __future__ import annotations

from functools import lru_cache

from django.conf import settings

from astra_site.lib.object_store.configure import from_url
from astra_site.lib.object_store.download_links import make_download_token, read_download_token
from astra_site.lib.object_store.errors import (
    DownloadLinkRefused,
    KeyRefused,
    ObjectMissing,
    ObjectProtected,
    ObjectStoreMisconfigured,
    ObjectStoreUnavailable,
)
from astra_site.lib.object_store.protocol import Bucket, ObjectStore, Protection, StoredObject, checked_key

__all__ = [
    "Bucket",
    "DownloadLinkRefused",
    "KeyRefused",
    "ObjectMissing",
    "ObjectProtected",
    "ObjectStore",
    "ObjectStoreMisconfigured",
    "ObjectStoreUnavailable",
    "Protection",
    "StoredObject",
    "checked_key",
    "from_url",
    "make_download_token",
    "object_store",
    "read_download_token",
]


def object_store() -> ObjectStore:
    """The configured store; one instance per configuration and process."""
    return _configured(settings.OBJECT_STORE_URL, settings.PUBLIC_URL)


@lru_cache(maxsize=8)
def _configured(url: str, public_url: str) -> ObjectStore:
    return from_url(url, public_url=public_url)
