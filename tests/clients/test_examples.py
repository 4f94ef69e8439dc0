"""The examples in `docs/clients` run as they stand, and make whole minutes."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import connection

from sessions_app.clients.table import TRANSPORTS
from tests.people import Person, client_for
from tests.realtime.live_server import LiveServer
from tests.rpc.serving import Serving
from tests.sessions.minutes_client import Minutes, finish_jobs
from tests.transcription.encodings import encode

pytestmark = pytest.mark.django_db(transaction=True)
EXAMPLES = Path(__file__).parents[2] / "docs" / "clients"
TIMEOUT_S = 60


@pytest.fixture
def targets(server: Serving, web: LiveServer) -> dict[str, str]:
    """What each example is told to connect to."""
    return {
        "rest": f"http://127.0.0.1:{web.port}",
        "websocket": web.url,
        "grpc": f"127.0.0.1:{server.server.ports[0]}",
    }


@pytest.fixture
def working(transactional_db: None) -> Iterator[None]:
    """Somebody does the jobs meanwhile."""
    over = threading.Event()

    def work() -> None:
        while not over.wait(0.1):
            finish_jobs()
        connection.close()

    worker = threading.Thread(target=work)
    worker.start()
    yield
    over.set()
    worker.join(TIMEOUT_S)


def run(name: str, *arguments: str, token: str) -> subprocess.CompletedProcess[str]:
    """Run an example without our packages on its path."""
    environment = {"PATH": os.environ["PATH"], "ASTRA_TOKEN": token}
    command = [sys.executable, "-I", str(EXAMPLES / f"{name}_client.py"), *arguments]
    return subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=TIMEOUT_S, check=False, cwd="/"
    )


def test_every_transport_has_its_example() -> None:
    assert {path.name for path in EXAMPLES.glob("*_client.py")} == {f"{name}_client.py" for name in TRANSPORTS}


def test_the_examples_make_minutes(
    targets: dict[str, str], working: None, alice: Person, tmp_path: Path, subtests: pytest.Subtests
) -> None:
    path = tmp_path / "recording.wav"
    path.write_bytes(encode("wav", 6_000))
    for name, target in targets.items():
        with subtests.test(name):
            done = run(name, target, str(path), "--finalize", token=alice.token())
            assert done.returncode == 0, done.stderr
            minutes = Minutes(client_for(alice), done.stdout.split()[1])
            assert [row.kind for row in minutes.journal()].count("audio") == 2
            assert done.stdout.count("acknowledged") == 2
            assert "minutes http" in done.stdout
            refused = run(name, target, str(path), "--session", minutes.session_id, token=alice.token())
            assert refused.returncode == 1
            assert "session_not_open" in refused.stderr
