"""How the web server is started, in one place: what the application can't limit by itself is limited here."""

from __future__ import annotations

from typing import Final

from astra_site.lib import env

# The largest chunk and its neighbour's room; a larger frame closes the socket with 1009 before it is in memory.
_MAX_FRAME_BYTES: Final = env.integer("ASTRA_MAX_CHUNK_BYTES", 8 * 1024 * 1024) + 64 * 1024

UVICORN: Final = (
    *("-m", "uvicorn", "astra_site.asgi:application", "--no-access-log", "--lifespan", "on"),
    *("--ws-max-size", str(_MAX_FRAME_BYTES)),
    # Audio is compressed already, and what is not can't be inflated into memory.
    *("--ws-per-message-deflate", "false"),
    # A half-open socket is noticed within the two together.
    *("--ws-ping-interval", "20", "--ws-ping-timeout", "20"),
)
"""Arguments for Python; host and port are the caller's."""
