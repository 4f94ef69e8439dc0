"""`OBJECT_STORE_URL`: what is accepted, what is refused, and what happens when nobody listens."""

from __future__ import annotations

import socket

import pytest

from astra_site.lib.errors import InvalidInput
from astra_site.lib.object_store import Bucket, ObjectStoreUnavailable, from_url
from astra_site.lib.object_store.s3 import S3ObjectStore


@pytest.mark.parametrize(
    "url",
    ["", "objects", "file://objects", "file:relative", "s3://host/prefix", "s3://key:hidden-value@host", "gs://key:hidden-value@host/prefix"],
)  # fmt: skip
def test_an_unusable_url_is_refused_without_repeating_its_secrets(url: str) -> None:
    with pytest.raises(InvalidInput, match="OBJECT_STORE_URL is") as caught:
        from_url(url)
    assert "hidden-value" not in str(caught.value)


def test_secrets_may_hold_any_character() -> None:
    store = from_url("s3://key:a%2Fb%40c@minio:9000/astra?region=eu-west-1&tls=0")
    assert isinstance(store, S3ObjectStore)
    location = store._location
    assert (location.secret_key, location.endpoint_url, location.prefix, location.region) == (
        "a/b@c",
        "http://minio:9000",
        "astra",
        "eu-west-1",
    )


def test_amazon_itself_needs_no_host() -> None:
    store = from_url("s3://key:secret@/astra?region=us-east-1")
    assert isinstance(store, S3ObjectStore)
    assert store._location.endpoint_url is None
    assert store.presigned_get(Bucket.AUDIO, "x", 60).startswith("https://s3.amazonaws.com/astra-audio/x?")


def test_links_are_signed_for_the_address_that_clients_see() -> None:
    store = from_url("s3://key:secret@minio:9000/astra?tls=0&public=https://files.example")
    assert store.presigned_get(Bucket.AUDIO, "x", 60).startswith("https://files.example/astra-audio/x?")


def test_a_service_that_does_not_answer_is_unavailable() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    store = from_url(f"s3://key:secret@127.0.0.1:{port}/astra?tls=0")
    with pytest.raises(ObjectStoreUnavailable) as caught:
        store.ping()
    assert not caught.value.permanent
