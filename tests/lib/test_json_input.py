"""JSON at the door: whatever could not be stored exactly is refused."""

from __future__ import annotations

import io
from typing import Any

import pytest
from django.core.exceptions import RequestDataTooBig
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import Settings
from rest_framework.exceptions import ParseError

from astra_site.lib.hashing import canonical_json
from astra_site.lib.json_input import StrictJSONParser


def parse(body: bytes) -> Any:
    return StrictJSONParser().parse(io.BytesIO(body))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"nonsense",
        b'{"a": NaN}',
        b'{"a": -Infinity}',
        b'{"a": 1e400}',
        b'{"a": 9007199254740992}',
        b'{"a": -1e300}',
        b'{"a": ' + b"9" * 5000 + b"}",
        b'{"a": "\\u0000"}',
        b'{"\\ud800": 1}',
        b'{"a": ["\\udfff"]}',
        b'{"a": "\xff"}',
        '{"a": 1}'.encode("utf-16"),
        b"[" * 22 + b"]" * 22,
        b"[" * 100_000,
        b'{"a":' * 50_000,
    ],
    ids=lambda body: repr(body[:24]),
)
def test_what_can_not_be_kept_is_refused(body: bytes) -> None:
    with pytest.raises(ParseError):
        parse(body)


def test_a_body_over_the_limit_is_not_read_to_its_end(settings: Settings) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 100
    body = io.BytesIO(b'"' + b"x" * 1000 + b'"')
    with pytest.raises(RequestDataTooBig):
        StrictJSONParser().parse(body)
    assert body.tell() == 101


@given(st.binary(max_size=200))
def test_any_bytes_are_a_value_or_a_refusal(body: bytes) -> None:
    try:
        value = parse(body)
    except ParseError:
        return
    canonical_json(value)
