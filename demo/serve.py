"""`make serve`: everything running until Ctrl-C, with a council to work in. Data is kept in `var/serve`."""

from __future__ import annotations

import argparse
import os
import secrets
import sys
import time
from pathlib import Path

from rich.console import Console

from astra_site.lib.errors import AstraError
from demo.stack import COUNCIL_SLUG, ROOT, Stack, StackFailed, service_environment
from demo.stopping import ToldToStop, stop_in_order

FOLDER = ROOT / "var" / "serve"
DEFAULT_PORT = 8000
_LOOK_EVERY_S = 1.0
console = Console(highlight=False)


def main() -> int:
    """Start everything, print addresses and logins, and run until told to stop; `PORT` and `GRPC_PORT` choose ports."""
    parser = argparse.ArgumentParser(prog="python -m demo.serve", description=__doc__)
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where data, keys and logs are kept")
    folder = parser.parse_args().folder.resolve()
    port = int(os.environ.get("PORT") or DEFAULT_PORT)
    stop_in_order()
    try:
        with Stack(folder, port=port, grpc_port=int(os.environ.get("GRPC_PORT") or 0)) as stack:
            stack.start(lambda line: console.print(f"  {line}", markup=False))
            stack.start_grpc()
            _print_logins(stack)
            while True:
                stack.check_alive()
                time.sleep(_LOOK_EVERY_S)
    except ToldToStop:
        console.print("Stopped.")
        return 0
    except (StackFailed, AstraError) as error:
        console.print(f"It can't be served: {error}", markup=False)
        return 1


def _print_logins(stack: Stack) -> None:
    """Make the people of the demonstration council and say how to sign in and how to go on."""
    password = _kept_password(stack.folder / "password")
    stack.manage("add_staff", "admin", ASTRA_MEMBER_PASSWORD=password)
    for role in ("admin", "clerk", "viewer"):
        stack.manage("add_member", COUNCIL_SLUG, f"{role}.quibdo", "--role", role, ASTRA_MEMBER_PASSWORD=password)
    environment = stack.folder / "environment"
    environment.write_text("".join(f"export {name}='{value}'\n" for name, value in service_environment(stack).items()))
    console.print(
        f"""
[bold]ASTRA is running.[/bold]  Stop it with Ctrl-C.

  Admin        {stack.url}/admin/     API docs   {stack.url}/docs     gRPC   127.0.0.1:{stack.grpc_port}
  Users        admin (platform), admin.quibdo, clerk.quibdo, viewer.quibdo (the council)
  Password     {password}     (all of them)
  Token        . {_shown(environment)} && .venv/bin/python manage.py issue_dev_token {COUNCIL_SLUG}
  Logs         {_shown(stack.logs)}
"""
    )


def _shown(path: Path) -> str:
    return str(path.relative_to(ROOT) if path.is_relative_to(ROOT) else path)


def _kept_password(path: Path) -> str:
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(secrets.token_urlsafe(9))
    return path.read_text()


if __name__ == "__main__":
    sys.exit(main())
