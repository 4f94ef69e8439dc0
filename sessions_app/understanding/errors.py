"""Errors of the understanding engine and its clients."""

from __future__ import annotations

from astra_site.lib.errors import AstraError, ErrorKind, InvalidInput


class CoreRequestInvalid(InvalidInput):
    """What was asked does not fit the schema `astra.core/1`."""


class CoreAnswerInvalid(AstraError):
    """A CORE answered with something that does not fit the schema `astra.core/1`; nothing of it may be stored."""

    kind = ErrorKind.UNAVAILABLE
    permanent = False
