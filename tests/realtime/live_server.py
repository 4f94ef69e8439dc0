"""The real application under a real uvicorn on a free port, in a thread of the test process."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import uvicorn

from astra_site.web_server import UVICORN
from tests.realtime.waiting import wait_for_threads

DEADLINE_S = 20.0


@dataclass
class LiveServer:
    """A running server. `stop` ends it as SIGTERM would."""

    port: int
    server: uvicorn.Server
    thread: threading.Thread

    @property
    def url(self) -> str:
        """The address for WebSocket clients."""
        return f"ws://127.0.0.1:{self.port}"

    def stop(self) -> None:
        """Shut down in order and wait for it."""
        self.server.should_exit = True
        self.thread.join(DEADLINE_S)
        assert not self.thread.is_alive()


def _option(name: str) -> str:
    return UVICORN[UVICORN.index(name) + 1]


@contextmanager
def serving(app: object = "astra_site.asgi:application", port: int = 0, **changes: object) -> Iterator[LiveServer]:
    """Serve until the block ends, with the options of production unless changed."""
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    options: dict[str, object] = {
        "ws_max_size": int(_option("--ws-max-size")),
        "ws_per_message_deflate": _option("--ws-per-message-deflate") == "true",
        "ws_ping_interval": float(_option("--ws-ping-interval")),
        "ws_ping_timeout": float(_option("--ws-ping-timeout")),
        **changes,
    }
    config = uvicorn.Config(
        app,  # type: ignore[arg-type]  # a name, or an application
        lifespan="off",
        access_log=False,
        log_config=None,
        timeout_graceful_shutdown=5,
        **options,  # type: ignore[arg-type]  # as many types as options
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    live = LiveServer(listener.getsockname()[1], server, thread)
    deadline = time.monotonic() + DEADLINE_S
    while not server.started:
        assert thread.is_alive()
        assert time.monotonic() < deadline
        threading.Event().wait(0.02)
    try:
        yield live
    finally:
        live.stop()
        listener.close()
        wait_for_threads()
