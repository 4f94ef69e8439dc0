"""Which engines this installation has; the app that owns them says so."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from django.core.exceptions import ImproperlyConfigured

_known: list[Callable[[], Sequence[str]]] = []


def register_engine_names(names: Callable[[], Sequence[str]]) -> None:
    """Say how to find out which engines there are, once per process, from `AppConfig.ready`."""
    _known[:] = [names]


def engine_names() -> Sequence[str]:
    """Return the names of the engines. Raises `ImproperlyConfigured` while nobody can tell."""
    if not _known:
        raise ImproperlyConfigured("No app has registered which engines there are (register_engine_names).")
    return _known[0]()
