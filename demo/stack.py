"""Everything that ASTRA runs on, started for a demonstration: PostgreSQL, Redis, web, worker, sweeper."""

from __future__ import annotations

import contextlib
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import httpx

from astra_site.embedded import EmbeddedServices
from astra_site.embedded.processes import bound_to_owner
from astra_site.web_server import UVICORN
from demo.lifeline import Lifeline, end_groups, end_leftovers, marked

ROOT = Path(__file__).resolve().parent.parent
COUNCIL_SLUG = "concejo-quibdo"
COUNCIL_NAME = "Concejo Municipal de Quibdó"
_READY_WITHIN_S = 60.0
_STOP_WITHIN_S = 15.0


class StackFailed(RuntimeError):
    """A part did not start; the message says which, and where its log lies."""


@dataclass(slots=True)
class Stack:
    """The parts of a running ASTRA in one folder. A context manager: leaving it stops everything it started.

    Should this process be killed, everything ends with it all the same (the servers on Linux only; elsewhere the next
    stack on the folder takes them over).

    Args:
        folder: data and logs; kept between runs.
        port: of the web server; 0 takes a free one.
        grpc_port: of the gRPC server, where it is started; 0 takes a free one.
        around: environment variables that its parts inherit, but for the owner's address, which only the migration is
            told. With both DATABASE_URL and REDIS_URL among them it starts no servers of its own.
    """

    folder: Path
    port: int = 0
    grpc_port: int = 0
    around: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    services: EmbeddedServices = field(init=False)
    environment: dict[str, str] = field(init=False)
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    lifeline: Lifeline | None = None

    def __post_init__(self) -> None:
        """Choose the port and put the environment of all parts together."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.services = EmbeddedServices(self.folder / "services", bound=True)
        self.port = self.port or free_port()
        self.grpc_port = self.grpc_port or free_port()
        endpoints = self.services.endpoints()
        self.environment = {
            **{name: value for name, value in self.around.items() if name != "DATABASE_OWNER_URL"},
            **marked(self.folder),
            "DJANGO_SETTINGS_MODULE": "astra_site.settings",
            "PYTHONUNBUFFERED": "1",
            "OMP_NUM_THREADS": "1",
            "DATABASE_URL": self.around.get("DATABASE_URL", endpoints.database_url),
            "REDIS_URL": self.around.get("REDIS_URL", endpoints.redis_url),
            "ASTRA_DATA_DIR": str(self.folder / "data"),
            "ASTRA_PUBLIC_URL": self.url,
            "ASTRA_GRPC_ADDRESS": f"127.0.0.1:{self.grpc_port}",
            "ASTRA_ENGINE": self.around.get("ASTRA_ENGINE", "whisper:micro"),
            "ASTRA_SECRET_KEY": _kept_secret(self.folder / "secret_key"),
        }

    @property
    def url(self) -> str:
        """The address of the web server."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def owner_url(self) -> str:
        """The address of the database's owner, for migrations."""
        own = self.around.get("DATABASE_URL", self.services.endpoints().database_owner_url)
        return self.around.get("DATABASE_OWNER_URL", own)

    @property
    def logs(self) -> Path:
        """The folder of the logs."""
        return self.folder / "logs"

    def start(self, report: Callable[[str], None]) -> None:
        """Start part after part, telling each; raise `StackFailed` for one that does not start."""
        self.prepare(report)
        self.start_web()
        self.start_worker()
        self.start_sweeper()
        self.wait_until_ready()
        report(f"web, worker and sweeper run at {self.url}")

    def prepare(self, report: Callable[[str], None]) -> None:
        """Start the servers, migrate, and make the demonstration's council."""
        self.logs.mkdir(parents=True, exist_ok=True)
        if not {"DATABASE_URL", "REDIS_URL"} <= self.around.keys():
            self.services.start()
            end_leftovers(self.folder)
            report("PostgreSQL and Redis answer")
        self.lifeline = Lifeline()
        self.manage("migrate", "--no-input", ASTRA_DB_STATEMENT_TIMEOUT_S="0", DATABASE_OWNER_URL=self.owner_url)
        report("the database is migrated")
        self.manage("make_dev_keys")
        self.manage(
            *("create_council", COUNCIL_SLUG, "--name", COUNCIL_NAME, "--skeleton", str(ROOT / "demo/skeleton.docx")),
            *("--skeleton-code", "ACTA_ORDINARIA", "--config", str(ROOT / "demo/config.json")),
        )
        report(f"{COUNCIL_NAME} has its skeleton and its published configuration")

    def start_web(self) -> None:
        """Start the web server."""
        self._spawn(
            "web",
            *(*UVICORN, "--host", "127.0.0.1", "--port", str(self.port), "--log-level", "warning"),
        )

    def start_worker(self) -> None:
        """Start one worker process with a few threads; the speech model is loaded once for all of them."""
        self._spawn("worker", "manage.py", "rundramatiq", "--processes", "1", "--threads", "4")

    def start_sweeper(self) -> None:
        """Start the sweeper."""
        self._spawn("sweeper", "manage.py", "run_sweeper", "--interval-s", "2")

    def start_grpc(self) -> None:
        """Start the gRPC server, which only some need; its clients wait for it by themselves."""
        self._spawn("grpc", "manage.py", "run_grpc")

    def manage(self, *arguments: str, **environment: str) -> str:
        """Run a management command and return what it printed; raise `StackFailed` with its error."""
        done = subprocess.run(
            [*bound_to_owner(signal.SIGTERM), sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env={**self.environment, **environment},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        if done.returncode != 0:
            raise StackFailed(f"manage.py {arguments[0]} failed:\n{done.stderr.strip()[-2000:]}")
        return done.stdout.strip()

    def wait_until_ready(self) -> None:
        """Wait until the web server says that it is ready; raise `StackFailed` when a part ends or time is up."""
        deadline = time.monotonic() + _READY_WITHIN_S
        while time.monotonic() < deadline:
            self.check_alive()
            try:
                if httpx.get(f"{self.url}/health/ready", timeout=5).status_code == 200:
                    return
            except httpx.HTTPError:
                time.sleep(0.1)  # nothing to wait on before the server listens
        raise StackFailed(f"The web server was not ready within {_READY_WITHIN_S:.0f} s; see {self.logs / 'web.log'}.")

    def check_alive(self) -> None:
        """Raise `StackFailed` when a part has ended."""
        for name, process in self.processes.items():
            if process.poll() is not None:
                tail = (self.logs / f"{name}.log").read_text(errors="replace")[-1500:]
                raise StackFailed(f"{name} ended with code {process.returncode}; its log ends with:\n{tail}")

    def kill(self, name: str) -> None:
        """End a part the hard way, with all its children, as a crash would (used by the chaos tests)."""
        process = self.processes.pop(name)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(timeout=_STOP_WITHIN_S)
        if self.lifeline is not None:
            self.lifeline.forget(process.pid)

    def stop(self) -> None:
        """Stop everything that this stack started, the servers last."""
        try:
            for process in self.processes.values():
                if process.poll() is None:
                    os.killpg(process.pid, signal.SIGTERM)
            for process in self.processes.values():
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(timeout=_STOP_WITHIN_S)
            end_groups([process.pid for process in self.processes.values()], grace_s=0)
            for process in self.processes.values():
                process.wait(timeout=_STOP_WITHIN_S)
            self.processes.clear()
        finally:
            self.services.stop()
            if self.lifeline is not None:
                self.lifeline.close()
                self.lifeline = None

    def _spawn(self, name: str, *arguments: str) -> None:
        with (self.logs / f"{name}.log").open("ab") as log:
            self.processes[name] = subprocess.Popen(
                [*bound_to_owner(signal.SIGTERM), sys.executable, *arguments],
                cwd=ROOT,
                env=self.environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        if self.lifeline is not None:
            self.lifeline.watch(self.processes[name].pid)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def service_environment(stack: Stack) -> Mapping[str, str]:
    """Return what another process needs to use the stack's database, Redis and objects."""
    names = (
        *("DATABASE_URL", "REDIS_URL", "ASTRA_DATA_DIR", "ASTRA_PUBLIC_URL", "ASTRA_GRPC_ADDRESS", "ASTRA_ENGINE"),
        "ASTRA_SECRET_KEY",
    )
    return {name: stack.environment[name] for name in names}


def free_port() -> int:
    """Return a loopback port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _kept_secret(path: Path) -> str:
    """Return the secret of this folder, made at first use."""
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(secrets.token_urlsafe(48))
    return path.read_text()
