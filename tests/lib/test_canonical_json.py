"""The canonical form is RFC 8785's, whoever writes it: ours and the reference library say the same."""

from __future__ import annotations

import math
from enum import IntEnum, StrEnum
from typing import Any

import pytest
import rfc8785
from hypothesis import given, settings
from hypothesis import strategies as st

from astra_site.lib.errors import InvalidInput
from astra_site.lib.hashing import canonical_json

TEXTS = st.text(st.characters(codec=None, exclude_categories=[]), max_size=12)
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**54), 2**54),
    st.floats(),
    TEXTS,
    st.sampled_from(["\ue000", "😀", "\x7f"]),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.tuples(inner, inner),
        st.dictionaries(st.one_of(TEXTS, st.sampled_from(["\ufb33", "😀", "a", "B"])), inner, max_size=5),
    ),
    max_leaves=20,
)


def reference(value: Any) -> bytes | None:
    try:
        return rfc8785.dumps(value)
    except ValueError:  # its own errors, and that of a key that has no UTF-16
        return None


# A thread that some other test left (a subscription that connects again after a drawn pause) may draw meanwhile.
@pytest.mark.filterwarnings("ignore:Do not use the `random` module inside strategies")
@settings(max_examples=400, deadline=None)
@given(VALUES)
def test_it_is_what_the_reference_library_writes_or_refused_as_there(value: Any) -> None:
    expected = reference(value)
    if expected is None:
        with pytest.raises(InvalidInput) as refused:
            canonical_json(value)
        assert refused.value.code == "json_not_canonical"
    else:
        assert canonical_json(value) == expected


class Colour(StrEnum):
    RED = "red"


class Size(IntEnum):
    LARGE = 3


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ({"😀": 1, "\ufb33": 2}, '{"😀":1,"\ufb33":2}'),
        ({"b": {}, "a": [[], ()]}, '{"a":[[],[]],"b":{}}'),
        ([1.0, 1e21, 1e-7, 0.1, -0.0, 1e16], "[1,1e+21,1e-7,0.1,0,10000000000000000]"),
        ('\x00\x1f"\\\b\f\n\r\t\x7f', '"\\u0000\\u001f\\"\\\\\\b\\f\\n\\r\\t\x7f"'),
        ({Colour.RED: Colour.RED, "size": Size.LARGE}, '{"red":"red","size":3}'),
        (2**53 - 1, "9007199254740991"),
    ],
)
def test_known_forms(value: Any, written: str) -> None:
    assert canonical_json(value).decode() == written == rfc8785.dumps(value).decode()


@pytest.mark.parametrize("value", [math.nan, math.inf, 2**53, {1: "a"}, {"a": {None: 1}}, object(), b"x", {"\ud800"}])
def test_what_json_can_not_hold_is_refused(value: Any) -> None:
    with pytest.raises(InvalidInput):
        canonical_json({"value": [value]})
