"""The verifier's own canonical JSON agrees with the server's on everything, and its parser forgives nothing."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from astra_site.lib.hashing import canonical_json
from astra_verify.canonical import NotJson, canonical, parse
from astra_verify.merkle import root
from custody.merkle import merkle_root

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT
)
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(TEXT, inner), max_leaves=20)


@given(VALUES)
def test_two_implementations_write_the_same_bytes(value: object) -> None:
    written = canonical_json(value)
    assert canonical(value) == written
    assert canonical(parse(written)) == written


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1e21, "1e+21"),
        (1e20, "100000000000000000000"),
        (1e-7, "1e-7"),
        (1e-6, "0.000001"),
        (333333333.33333329, "333333333.3333333"),
        (4.5, "4.5"),
        (2e-3, "0.002"),
        (-0.0, "0"),
        (5e-324, "5e-324"),
        (1.7976931348623157e308, "1.7976931348623157e+308"),
    ],
)
def test_numbers_are_written_as_rfc_8785_shows(value: float, text: str) -> None:
    assert canonical(value) == text.encode()


@pytest.mark.parametrize(
    "data", [b'{"a":1,"a":1}', b"NaN", b"[Infinity]", b"\xff", b"", b"{", b"[" * 100_000, b'{"a":1} {}']
)
def test_what_is_not_strict_json_is_refused(data: bytes) -> None:
    with pytest.raises(NotJson):
        parse(data)


def test_a_lone_surrogate_has_no_canonical_form() -> None:
    with pytest.raises(NotJson):
        canonical(json.loads('"\\ud800"'))


@given(st.lists(st.binary(max_size=6), max_size=40))
def test_two_implementations_find_the_same_root(leaves: list[bytes]) -> None:
    assert root(leaves) == str(merkle_root(leaves))
