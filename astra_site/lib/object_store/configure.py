"""From `OBJECT_STORE_URL` to a store.

`file:///folder` is a folder. `s3://ACCESS:SECRET@host:port/prefix?region=eu-west-1&tls=0` is a service that speaks S3,
with buckets named `prefix-audio` and so on; `public=https://files.example` is its address as clients see it, where that
differs. `s3://ACCESS:SECRET@/prefix?region=eu-west-1` is Amazon's own.
"""

from __future__ import annotations

from pathlib import Path
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

from astra_site.lib.errors import InvalidInput
from astra_site.lib.object_store.local import LocalObjectStore
from astra_site.lib.object_store.protocol import ObjectStore
from astra_site.lib.object_store.s3 import S3Location, S3ObjectStore


def from_url(url: str, *, public_url: str = "") -> ObjectStore:
    """Make the store that a URL names, without touching it; `public_url` is the site that serves local downloads.

    Raises `InvalidInput` (`object_store_url_invalid`); the message never repeats the URL, which holds secrets.
    """
    parts = urlsplit(url)
    if parts.scheme == "file" and not parts.netloc and parts.path.startswith("/"):
        return LocalObjectStore(Path(unquote(parts.path)), public_url=public_url)
    if parts.scheme == "s3" and parts.username and parts.password and parts.path.strip("/"):
        return S3ObjectStore(_location(parts))
    raise InvalidInput(
        "object_store_url_invalid",
        "OBJECT_STORE_URL is file:///folder or s3://ACCESS:SECRET@host:port/prefix?region=REGION&tls=1.",
    )


def _location(parts: SplitResult) -> S3Location:
    options = {name: values[-1] for name, values in parse_qs(parts.query).items()}
    address = parts.netloc.rpartition("@")[2]
    scheme = "http" if options.get("tls") == "0" else "https"
    return S3Location(
        endpoint_url=f"{scheme}://{address}" if address else None,
        access_key=unquote(parts.username or ""),
        secret_key=unquote(parts.password or ""),
        prefix=parts.path.strip("/").replace("/", "-"),
        region=options.get("region", "us-east-1"),
        public_url=options.get("public"),
    )
