"""Configurations from a file: read strictly, or refused with the reason."""

from __future__ import annotations

import json
import re
from typing import Any, Final, NoReturn

from tenants.config.schema import MAX_BYTES, ConfigContent
from tenants.errors import ConfigInvalid, ConfigTooLarge

_MAX_DEPTH: Final = 8
_OPENED: Final = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\]{}]', re.DOTALL)


def read_configuration(body: bytes) -> ConfigContent:
    """Return the configuration in a JSON file (`astra.config/1`, UTF-8).

    Raises:
        ConfigTooLarge: more than `MAX_BYTES`.
        ConfigInvalid: no JSON, a name twice in one object, nested too deeply (`config_not_json`), or not what the
            schema says (`config_invalid`).
    """
    if len(body) > MAX_BYTES:
        raise ConfigTooLarge("config_too_large", f"A configuration has at most {MAX_BYTES // 1024} kB.")
    try:
        text = body.decode("utf-8-sig")
        if _depth(text) > _MAX_DEPTH:
            raise ValueError("it is nested too deeply")
        content = json.loads(text, object_pairs_hook=_once, parse_constant=_no_number)
    except ValueError as error:
        raise ConfigInvalid("config_not_json", f"This is no JSON that can be taken: {error}.") from error
    if not isinstance(content, dict):
        raise ConfigInvalid("config_not_json", "This is no JSON that can be taken: it holds no object.")
    return ConfigContent.read(content)


def _depth(text: str) -> int:
    """Return how deep brackets go, before a parser walks down them."""
    depth = deepest = 0
    for found in _OPENED.finditer(text):
        if found[0] in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif found[0] in "]}":
            depth -= 1
    return deepest


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Refuse a name that stands twice: programs disagree on which one counts."""
    read = dict(pairs)
    if len(read) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"the name {next(name for name in names if names.count(name) > 1)[:80]!r} stands twice")
    return read


def _no_number(word: str) -> NoReturn:
    raise ValueError(f"{word} is no JSON number")
