"""The embedded PostgreSQL and Redis as a developer meets them: start, crash, start again, side by side."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
import redis
from psycopg.conninfo import conninfo_to_dict

from astra_site.embedded import DataFolderInUse, EmbeddedServices, PostgresServer, RedisServer
from astra_site.embedded.processes import command_line, wait_until


def _select(url: str, query: str) -> object:
    with psycopg.connect(url) as connection:
        row = connection.execute(query.encode()).fetchone()
    return row[0] if row else None


def _ping(url: str) -> bool:
    with redis.Redis.from_url(url) as client:
        return bool(client.ping())


def test_both_servers_answer_and_end_with_the_context(tmp_path: Path) -> None:
    services = EmbeddedServices(tmp_path / "services", durable=False)
    with services:
        endpoints = services.endpoints()
        assert _select(endpoints.database_url, "SELECT current_database()") == "astra"
        assert _ping(endpoints.redis_url)
        pids = [server.pid for server in services.status()]
        assert all(server.answers for server in services.status())
    assert [command_line(pid) for pid in pids if pid] == [None, None]
    assert not any(server.answers for server in services.status())


def test_the_owner_may_create_databases_and_the_application_owns_nothing(tmp_path: Path) -> None:
    with EmbeddedServices(tmp_path, durable=False) as services:
        endpoints = services.endpoints()
        bound = "NOT rolsuper AND NOT rolbypassrls AND NOT rolcreaterole"
        for url, rights in (
            (endpoints.database_owner_url, f"{bound} AND rolcreatedb"),
            (endpoints.database_url, f"{bound} AND NOT rolcreatedb"),
            (endpoints.superuser_url, "rolsuper"),
        ):
            assert _select(url, f"SELECT {rights} FROM pg_roles WHERE rolname = current_user") is True
        owner = "SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = current_database()"
        assert _select(endpoints.database_url, owner) == "astra_owner"
        assert _select(endpoints.database_url, "SELECT pg_has_role('astra', 'astra_owner', 'MEMBER')") is False


def test_a_database_of_a_version_whose_application_owned_its_tables_gets_an_owner(tmp_path: Path) -> None:
    server = PostgresServer(tmp_path, durable=False)
    server.start()
    try:
        with psycopg.connect(server.superuser_url) as connection:
            connection.execute("ALTER DATABASE astra OWNER TO astra")
            connection.execute("ALTER ROLE astra CREATEDB")
        with psycopg.connect(server.url) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 7 AS number")
        server.stop()
        server.start()
        assert _select(server.owner_url, "SELECT number FROM kept") == 7
        assert _select(server.owner_url, "SELECT tableowner FROM pg_tables WHERE tablename = 'kept'") == "astra_owner"
        assert _select(server.url, "SELECT rolcreatedb FROM pg_roles WHERE rolname = current_user") is False
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            _select(server.url, "SELECT number FROM kept")
    finally:
        server.stop()


def test_two_checkouts_run_side_by_side(tmp_path: Path) -> None:
    with (
        EmbeddedServices(tmp_path / "one", durable=False) as one,
        EmbeddedServices(tmp_path / "two", durable=False) as two,
    ):
        with redis.Redis.from_url(one.endpoints().redis_url) as client:
            client.set("owner", "one")
        with redis.Redis.from_url(two.endpoints().redis_url) as client:
            assert client.get("owner") is None


def test_a_folder_has_one_living_owner(tmp_path: Path) -> None:
    with EmbeddedServices(tmp_path, durable=False):
        with pytest.raises(DataFolderInUse, match=str(os.getpid())):
            EmbeddedServices(tmp_path).start()
        with pytest.raises(DataFolderInUse):
            EmbeddedServices(tmp_path).stop()


def start_and_kill_an_owner(data_dir: Path, bound: bool) -> None:
    script = (
        "import sys, time; from pathlib import Path; from astra_site.embedded import EmbeddedServices; "
        f"EmbeddedServices(Path(sys.argv[1]), durable=False, bound={bound}).start(); "
        "print('up', flush=True); time.sleep(600)"
    )
    with subprocess.Popen([sys.executable, "-c", script, str(data_dir)], stdout=subprocess.PIPE) as owner:
        assert owner.stdout is not None
        assert owner.stdout.readline() == b"up\n"
        owner.send_signal(signal.SIGKILL)


def test_bound_servers_end_with_a_killed_owner(tmp_path: Path) -> None:
    start_and_kill_an_owner(tmp_path, bound=True)
    services = EmbeddedServices(tmp_path)
    assert wait_until(lambda: services.postgres.pid is None and services.redis.pid is None, 30)


def test_servers_of_a_killed_owner_are_taken_over_and_stopped(tmp_path: Path) -> None:
    start_and_kill_an_owner(tmp_path, bound=False)
    services = EmbeddedServices(tmp_path, durable=False)
    left_behind = [server.pid for server in services.status()]
    assert None not in left_behind
    with services:
        assert [server.pid for server in services.status()] == left_behind
    assert [command_line(pid) for pid in left_behind if pid] == [None, None]


def test_a_path_too_long_for_a_socket_works(tmp_path: Path) -> None:
    deep = tmp_path.joinpath(*["a-folder-with-a-long-name"] * 5)
    with EmbeddedServices(deep, durable=False) as services:
        assert all(server.answers for server in services.status())
        sockets = {Path(str(conninfo_to_dict(services.endpoints().database_url)["host"])), services.redis.socket_folder}
        assert all(folder.exists() and deep not in folder.parents for folder in sockets)
    assert not any(folder.exists() for folder in sockets)


def test_a_path_with_spaces_and_accents_works(tmp_path: Path) -> None:
    with EmbeddedServices(tmp_path / "año 1%20", durable=False) as services:
        endpoints = services.endpoints()
        assert _ping(endpoints.redis_url)
        assert _select(endpoints.database_url, "SELECT 1") == 1


def test_a_folder_closed_to_others_works(tmp_path: Path) -> None:
    closed = tmp_path / "home-of-one-user"
    closed.mkdir(mode=0o700)
    with EmbeddedServices(closed / "services", durable=False) as services:
        assert all(server.answers for server in services.status())
    assert closed.stat().st_mode & 0o777 == 0o700


def test_postgres_killed_with_open_sessions_comes_back_with_its_rows(tmp_path: Path) -> None:
    server = PostgresServer(tmp_path)
    server.start()
    try:
        with psycopg.connect(server.owner_url) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 7 AS number")
        session = psycopg.connect(server.url)
        server.kill()
        session.close()
        address = server.url
        server.start()
        assert server.url == address
        assert _select(server.owner_url, "SELECT number FROM kept") == 7
    finally:
        server.stop()


def test_a_lock_file_whose_pid_belongs_to_another_program_does_not_block_the_start(tmp_path: Path) -> None:
    server = PostgresServer(tmp_path, durable=False)
    server.start()
    lock_file = server.data_folder / "postmaster.pid"
    lock = lock_file.read_text()
    server.stop()
    lock_file.write_text("\n".join([str(os.getpid()), *lock.splitlines()[1:]]) + "\n")
    assert server.pid is None
    server.start()
    try:
        assert server.answers()
    finally:
        server.stop()


def test_an_interrupted_first_start_leaves_nothing_in_the_way(tmp_path: Path) -> None:
    (tmp_path / "data.new").mkdir()
    (tmp_path / "data.new" / "PG_VERSION").write_text("18\n")
    server = PostgresServer(tmp_path, durable=False)
    server.start()
    try:
        assert server.answers()
    finally:
        server.stop()


@pytest.mark.parametrize("over_tcp", [False, True], ids=["socket", "tcp"])
def test_redis_killed_keeps_what_was_flushed(tmp_path: Path, over_tcp: bool, unused_tcp_port: int) -> None:
    server = RedisServer(tmp_path, port=unused_tcp_port if over_tcp else None)
    server.start()
    try:
        with redis.Redis.from_url(server.url) as client:
            client.set("acknowledged", "1")
            assert wait_until(lambda: client.info("persistence")["aof_pending_bio_fsync"] == 0, 10)
        server.kill()
        assert server.pid is None
        server.start()
        with redis.Redis.from_url(server.url) as client:
            assert client.get("acknowledged") == b"1"
    finally:
        server.stop()


def test_redis_killed_by_somebody_else_is_started_again(tmp_path: Path) -> None:
    server = RedisServer(tmp_path, aof=False)
    server.start()
    try:
        first = server.pid
        assert first is not None
        os.kill(first, signal.SIGKILL)
        assert wait_until(lambda: not server.answers(), 10)
        server.start()
        assert server.pid != first
    finally:
        server.stop()


def test_the_command_line_starts_shows_and_stops(tmp_path: Path) -> None:
    def run(command: str) -> subprocess.CompletedProcess[str]:
        line = [sys.executable, "-m", "astra_site.embedded", command, "--data-dir", str(tmp_path)]
        return subprocess.run(line, capture_output=True, text=True, check=False, timeout=120)

    try:
        started = run("start")
        assert started.returncode == 0, started.stderr
        assert "export DATABASE_URL=" in started.stdout
        assert "export DATABASE_OWNER_URL=" in started.stdout
        assert "export REDIS_URL=" in started.stdout
        assert run("env").stdout == started.stdout
        shown = run("status")
        assert (shown.returncode, shown.stdout.count("answers, pid")) == (0, 2)
    finally:
        assert run("stop").returncode == 0
    assert run("status").returncode == 1


def test_the_command_line_runs_one_command_on_servers_of_its_own(tmp_path: Path) -> None:
    probe = "import os, psycopg; psycopg.connect(os.environ['DATABASE_URL']).close(); raise SystemExit(7)"
    line = ["run", "--data-dir", str(tmp_path), "--", sys.executable, "-c", probe]
    done = subprocess.run([sys.executable, "-m", "astra_site.embedded", *line], check=False, timeout=120)
    assert done.returncode == 7
    assert not any(server.answers for server in EmbeddedServices(tmp_path).status())
