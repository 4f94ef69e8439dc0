"""Configuration from environment variables: typed, with a clear message for a value that does not parse."""

from __future__ import annotations

import os

from astra_site.lib.errors import InvalidInput

_TRUE = {"1", "true", "yes", "on"}
_FALSE = {"0", "false", "no", "off", ""}


def text(name: str, default: str) -> str:
    """Return the variable, or the default when it is not set or empty."""
    return os.environ.get(name) or default


def flag(name: str, default: bool) -> bool:
    """Return a yes/no variable."""
    raw = os.environ.get(name)
    if raw is None:
        return default
    if raw.lower() in _TRUE:
        return True
    if raw.lower() in _FALSE:
        return False
    raise InvalidInput("environment_invalid", f"{name} must be 1 or 0, not {raw!r}.")


def integer(name: str, default: int) -> int:
    """Return a whole number."""
    raw = os.environ.get(name) or str(default)
    try:
        return int(raw)
    except ValueError as error:
        raise InvalidInput("environment_invalid", f"{name} must be a whole number, not {raw!r}.") from error


def names(name: str, default: str) -> list[str]:
    """Return a comma-separated list without empty items."""
    return [item.strip() for item in text(name, default).split(",") if item.strip()]
