"""JSON from outside: what can't be stored, or not exactly, is refused at the door."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from typing import IO, Any

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from rest_framework.exceptions import ParseError
from rest_framework.parsers import JSONParser

_MAX_DEPTH = 20
_MAX_NUMBER = 2**53 - 1
_UNSTORABLE = re.compile("[\ud800-\udfff]")


class StrictJSONParser(JSONParser):
    """DRF's parser, with a limit of size and depth, and without NUL, lone surrogates and numbers beyond 2**53.

    Larger numbers lose digits in other programs and have no canonical form (RFC 8785), so nothing that holds one could
    be sealed. The body is UTF-8 (RFC 8259), at most `DATA_UPLOAD_MAX_MEMORY_SIZE` bytes.
    """

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        """Return the value; raise `ParseError` (`400`), or `RequestDataTooBig` (`413`)."""
        limit_bytes = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        body = stream.read(limit_bytes + 1)
        if len(body) > limit_bytes:
            raise RequestDataTooBig("The JSON is larger than DATA_UPLOAD_MAX_MEMORY_SIZE.")
        try:
            value = super().parse(io.BytesIO(body), media_type, {**(parser_context or {}), "encoding": "utf-8"})
        except RecursionError as error:
            raise ParseError("The JSON is nested too deeply.") from error
        check_json(value, 0)
        return value


def check_json(value: object, depth: int = 0) -> None:
    """Raise `ParseError` for JSON that is nested too deeply or holds what can't be kept as it is."""
    if depth > _MAX_DEPTH:
        raise ParseError("The JSON is nested too deeply.")
    if isinstance(value, str):
        # Text without any special character is known at a glance; base64 of a chunk has 200,000 letters.
        if "\x00" in value or (not value.isascii() and _UNSTORABLE.search(value)):
            raise ParseError("The JSON holds a character that is no text (NUL or a lone surrogate).")
    elif isinstance(value, int | float):
        if not -_MAX_NUMBER <= value <= _MAX_NUMBER:
            raise ParseError("The JSON holds a number that can't be kept exactly (beyond 2**53).")
    elif isinstance(value, dict):
        for key, item in value.items():
            check_json(key, depth)
            check_json(item, depth + 1)
    elif isinstance(value, list):
        for item in value:
            check_json(item, depth + 1)
