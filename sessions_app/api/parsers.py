"""Bodies that are not JSON: a recording as a stream."""

from __future__ import annotations

from collections.abc import Mapping
from typing import IO, Any

from rest_framework.parsers import BaseParser


class StreamParser(BaseParser):
    """Hands the body on as a stream, whatever its type; nothing is read into memory."""

    media_type = "*/*"

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> IO[Any]:
        """Return the stream."""
        return stream
