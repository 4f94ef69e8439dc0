"""An S3 server on a real socket, for the tests that need a store with versions."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.waiting import until

_PROGRAM = Path(__file__).parent / "object_store" / "s3_server.py"


@contextmanager
def s3_server(folder: Path) -> Iterator[str]:
    """Run the server and give its host:port; its log goes into the folder."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]

    def answers() -> bool:
        assert server.poll() is None, (folder / "log").read_text()
        with socket.socket() as client:
            return client.connect_ex(("127.0.0.1", port)) == 0

    with (folder / "log").open("wb") as log:
        server = subprocess.Popen([sys.executable, str(_PROGRAM), str(port)], stdout=log, stderr=log)
        try:
            until(answers)
            yield f"127.0.0.1:{port}"
        finally:
            server.kill()
            server.wait()
