"""An ASGI application that answers, and writes a line behind the answer. Run by `test_behind`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from astra_site.lib.behind import Behind
from astra_site.lifespan import lifespan

_FILE = Path(os.environ["BEHIND_FILE"])


def _write(lines: list[str]) -> None:
    with _FILE.open("a") as file:
        file.writelines(f"{line}\n" for line in lines)


_lines: Behind[str] = Behind("test", _write, ())


async def application(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Answer 200 to everything; the path is written down later."""
    if scope["type"] == "lifespan":
        await lifespan(scope, receive, send)
        return
    _lines.hand_over(scope["path"])
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
    await send({"type": "http.response.body", "body": b""})
