"""Spanish: 20 nov 2026, 05:18."""

from __future__ import annotations

DATETIME_FORMAT = "j b Y, H:i"
