"""Writing a Word package so that equal parts give equal bytes."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from typing import Final

_EPOCH: Final = (1980, 1, 1, 0, 0, 0)
_FIRST: Final = ("[Content_Types].xml", "_rels/.rels")
_UNIX: Final = 3
_REGULAR_FILE: Final = 0o100644 << 16


def pack(parts: Mapping[str, bytes]) -> bytes:
    """Zip the parts: fixed order, fixed time stamps, fixed attributes; content types first, as readers expect."""
    buffer = io.BytesIO()
    names = [name for name in _FIRST if name in parts] + sorted(name for name in parts if name not in _FIRST)
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        for name in names:
            entry = zipfile.ZipInfo(name, date_time=_EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.create_system = _UNIX
            entry.external_attr = _REGULAR_FILE
            archive.writestr(entry, parts[name])
    return buffer.getvalue()
