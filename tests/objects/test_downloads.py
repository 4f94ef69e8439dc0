"""Signed links of the local store: who has one gets the bytes, nobody gets more."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime

import pytest
from asgiref.sync import async_to_sync
from django.http import StreamingHttpResponse
from django.test import AsyncClient, override_settings

from astra_site.lib.object_store import Bucket, make_download_token, object_store


@pytest.fixture
def stored() -> str:
    key = "tenant/session/minutes-abc.docx"
    object_store().put(Bucket.DOCUMENTS, key, b"sealed" * 100_000, "application/octet-stream")
    return key


def fetch(token: str) -> tuple[int, dict[str, str], bytes]:
    async def get() -> tuple[int, dict[str, str], bytes]:
        response = await AsyncClient().get(f"/objects/{token}")
        if not isinstance(response, StreamingHttpResponse):
            return response.status_code, dict(response.headers), response.content
        parts: AsyncIterator[bytes] = aiter(response)
        return response.status_code, dict(response.headers), b"".join([part async for part in parts])

    return async_to_sync(get)()


def test_a_link_gives_the_whole_object_as_a_download(stored: str) -> None:
    status, headers, body = fetch(make_download_token(Bucket.DOCUMENTS, stored, 60))
    assert (status, body) == (200, b"sealed" * 100_000)
    assert headers["Content-Length"] == "600000"
    assert headers["Content-Disposition"] == 'attachment; filename="minutes-abc.docx"'
    assert headers["Cache-Control"] == "private, no-store"


@pytest.mark.parametrize("spoil", [lambda token: token[:-1] + "x", lambda token: "garbage", lambda token: token * 2])
def test_a_forged_link_is_refused(stored: str, spoil: Callable[[str], str]) -> None:
    token = make_download_token(Bucket.DOCUMENTS, stored, 60)
    status, headers, body = fetch(spoil(token))
    assert status == 403
    assert headers["Content-Type"] == "application/problem+json"
    problem = json.loads(body)
    assert (problem["status"], problem["code"]) == (403, "download_link_refused")
    assert {"type", "title", "detail", "trace_id"} <= problem.keys()


def test_an_expired_link_is_refused(stored: str) -> None:
    token = make_download_token(Bucket.DOCUMENTS, stored, 60, now=datetime(2020, 1, 1, tzinfo=UTC))
    assert fetch(token)[0] == 403


def test_a_link_of_another_installation_is_refused(stored: str) -> None:
    with override_settings(SECRET_KEY="y" * 60):
        token = make_download_token(Bucket.DOCUMENTS, stored, 60)
    assert fetch(token)[0] == 403


def test_an_object_that_is_gone_is_not_found(stored: str) -> None:
    assert fetch(make_download_token(Bucket.DOCUMENTS, "tenant/session/never.docx", 60))[0] == 404
