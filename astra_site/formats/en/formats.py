"""English: 20 Nov 2026, 05:18."""

from __future__ import annotations

DATETIME_FORMAT = "j M Y, H:i"
