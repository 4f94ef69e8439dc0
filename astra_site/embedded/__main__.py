"""Command line: `python -m astra_site.embedded {start,status,stop,env} [--data-dir DIR]`.

`eval "$(python -m astra_site.embedded env)"` points a shell's commands at the running servers.
"""

from __future__ import annotations

import argparse
import shlex
import sys
from pathlib import Path

from astra_site.embedded.services import EmbeddedServices, Endpoints
from astra_site.lib.errors import AstraError

DEFAULT_DATA_DIR = Path("var") / "services"


def main(arguments: list[str] | None = None) -> int:
    """Run one command; 0 on success, 1 when a server is down or an error was shown, 2 for wrong usage."""
    parser = argparse.ArgumentParser(prog="python -m astra_site.embedded", description=__doc__)
    parser.add_argument("command", choices=["start", "status", "stop", "env"])
    parser.add_argument("--data-dir", type=Path, default=DEFAULT_DATA_DIR)
    chosen = parser.parse_args(arguments)
    services = EmbeddedServices(chosen.data_dir)
    try:
        return _run(chosen.command, services)
    except AstraError as error:
        print(error.message, file=sys.stderr)
        return 1


def _run(command: str, services: EmbeddedServices) -> int:
    if command == "start":
        endpoints = services.start()
        services.release()
        print(_exports(endpoints))
        return 0
    if command == "stop":
        services.stop()
        return 0
    if command == "env":
        print(_exports(services.endpoints()))
        return 0
    for server in services.status():
        state = f"answers, pid {server.pid}" if server.answers else "down"
        print(f"{server.name}: {state} (log: {server.log_path})")
    return 0 if all(server.answers for server in services.status()) else 1


def _exports(endpoints: Endpoints) -> str:
    pairs = {"DATABASE_URL": endpoints.database_url, "REDIS_URL": endpoints.redis_url}
    return "\n".join(f"export {name}={shlex.quote(value)}" for name, value in pairs.items())


if __name__ == "__main__":
    raise SystemExit(main())
