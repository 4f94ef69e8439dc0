"""What follows a commit and may be lost: mirrors, messages, announcements."""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec

from django.db import transaction

_Parameters = ParamSpec("_Parameters")


def after_commit(call: Callable[_Parameters, object], /, *args: _Parameters.args, **kwargs: _Parameters.kwargs) -> None:
    """Call after the open transaction's commit, or now where none is open. What the call raises is logged, no more.

    The transaction is committed by then: an error would tell the caller that nothing was stored, and would keep the
    calls behind this one from being made. Django's `robust=True` alone is not enough: where a `functools.partial`
    fails, it looks for the name of it to log, and raises for want of one.
    """

    def hook() -> None:
        call(*args, **kwargs)

    hook.__qualname__ = f"after_commit of {getattr(call, '__qualname__', repr(call))}"
    transaction.on_commit(hook, robust=True)
