"""Command line: `python -m astra_site.embedded {start,status,stop,env,run} [--data-dir DIR]`.

`eval "$(python -m astra_site.embedded env)"` points a shell's commands at the running servers;
`python -m astra_site.embedded run -- COMMAND …` starts servers for one command and stops them after it.
"""

from __future__ import annotations

import argparse
import os
import shlex
import subprocess
import sys
from pathlib import Path

from astra_site.embedded.services import EmbeddedServices, Endpoints
from astra_site.lib.errors import AstraError

DEFAULT_DATA_DIR = Path("var") / "services"


def main(arguments: list[str] | None = None) -> int:
    """Run one command; 0 on success, 1 when a server is down or an error was shown, 2 for wrong usage."""
    parser = argparse.ArgumentParser(prog="python -m astra_site.embedded", description=__doc__)
    parser.add_argument("command", choices=["start", "status", "stop", "env", "run"])
    parser.add_argument("--data-dir", type=Path, default=DEFAULT_DATA_DIR)
    given = list(sys.argv[1:] if arguments is None else arguments)
    split = given.index("--") if "--" in given else len(given)
    chosen, program = parser.parse_args(given[:split]), given[split + 1 :]
    if (chosen.command == "run") != bool(program):
        parser.error("run, and only run, takes a command after --")
    services = EmbeddedServices(chosen.data_dir)
    try:
        return _with_servers(services, program) if program else _run(chosen.command, services)
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


def _with_servers(services: EmbeddedServices, program: list[str]) -> int:
    """Run a program on the servers; return its exit status."""
    with services:
        environment = {**os.environ, **_variables(services.endpoints())}
        return subprocess.run(program, check=False, env=environment).returncode  # noqa: S603 - the user's own command


def _variables(endpoints: Endpoints) -> dict[str, str]:
    return {
        "DATABASE_URL": endpoints.database_url,
        "DATABASE_OWNER_URL": endpoints.database_owner_url,
        "REDIS_URL": endpoints.redis_url,
    }


def _exports(endpoints: Endpoints) -> str:
    return "\n".join(f"export {name}={shlex.quote(value)}" for name, value in _variables(endpoints).items())


if __name__ == "__main__":
    raise SystemExit(main())
