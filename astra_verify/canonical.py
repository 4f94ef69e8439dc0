"""Strict JSON reading, and canonical JSON writing as in RFC 8785, in plain Python."""

from __future__ import annotations

import json
import math
from decimal import Decimal
from typing import Any

_MAX_SAFE_INTEGER = 2**53 - 1


class NotJson(ValueError):
    """Not JSON in the strict sense: UTF-8, no duplicate names, no NaN or infinity, no absurd nesting."""


def parse(data: bytes) -> Any:
    """Read JSON strictly; raise `NotJson`."""
    try:
        return json.loads(data.decode("utf-8"), object_pairs_hook=_unique_object, parse_constant=_no_constant)
    except RecursionError as error:
        raise NotJson("nested too deeply") from error
    except ValueError as error:
        raise NotJson(str(error)) from error


def _unique_object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise NotJson("a name appears twice in one object")
    return found


def _no_constant(name: str) -> Any:
    raise NotJson(f"{name} is not JSON")


def canonical(value: Any) -> bytes:
    """Write canonical JSON; raise `NotJson` for what has no canonical form."""
    try:
        return _text(value).encode("utf-8")
    except (UnicodeEncodeError, RecursionError) as error:
        raise NotJson("this text has no canonical form") from error


def same(one: Any, other: Any) -> bool:
    """Whether two parsed values are the same JSON; unlike `==` this tells `true` from `1`."""
    try:
        return canonical(one) == canonical(other)
    except NotJson:
        return False


def _text(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, int):
        return str(value) if abs(value) <= _MAX_SAFE_INTEGER else _number(_as_double(value))
    if isinstance(value, float):
        return _number(value)
    if isinstance(value, list):
        return "[" + ",".join(_text(item) for item in value) + "]"
    if isinstance(value, dict):
        names = sorted(value, key=lambda name: name.encode("utf-16-be", "surrogatepass"))
        return "{" + ",".join(f"{_text(name)}:{_text(value[name])}" for name in names) + "}"
    raise NotJson(f"{type(value).__name__} is not JSON")


def _as_double(value: int) -> float:
    try:
        return float(value)
    except OverflowError as error:
        raise NotJson("a number is beyond every double") from error


def _number(value: float) -> str:
    """A double as ECMAScript writes it (ECMA-262, Number::toString): shortest digits, then the place of the point."""
    if not math.isfinite(value):
        raise NotJson("NaN and infinity are not JSON")
    if value == 0:
        return "0"
    if value < 0:
        return "-" + _number(-value)
    _, digit_tuple, exponent = Decimal(repr(value)).as_tuple()
    all_digits = "".join(map(str, digit_tuple))
    digits = all_digits.rstrip("0")
    point = len(all_digits) + int(exponent)
    if len(digits) <= point <= 21:
        return digits + "0" * (point - len(digits))
    if 0 < point <= 21:
        return f"{digits[:point]}.{digits[point:]}"
    if -6 < point <= 0:
        return f"0.{'0' * -point}{digits}"
    mantissa = digits if len(digits) == 1 else f"{digits[0]}.{digits[1:]}"
    return f"{mantissa}e{point - 1:+d}"
