"""A part is down or does not answer for a while: what the clients are told meanwhile, and that it heals by itself."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest

from demo.client import Client
from demo.stack import Stack

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]
ANSWERED_WITHIN_S = 15.0
HEALED_WITHIN_S = 20.0
TEXT = "El alumbrado de la vereda está en mal estado."


@pytest.fixture
def session_id(stack_client: Client) -> str:
    """An open session with one input."""
    session_id = stack_client.start("realtime", {"number": "1"})
    stack_client.append_text(session_id, 1, TEXT)
    return session_id


@contextmanager
def postgres_down(stack: Stack) -> Iterator[None]:
    stack.services.postgres.kill()
    try:
        yield
    finally:
        stack.services.postgres.start()


@contextmanager
def redis_frozen(stack: Stack) -> Iterator[None]:
    """Redis takes connections and answers nothing."""
    pid = stack.services.redis.pid or 0
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def append(stack: Stack, client: Client, session_id: str, number: int) -> tuple[int, str]:
    """Append text as a plain client; returns the status and, of a problem, its code."""
    address = f"{stack.url}/v1/orchestrator/session/{session_id}/append"
    headers = {"Authorization": f"Bearer {client.token}"}
    body = {"sequence_id": number, "text": TEXT}
    answer = httpx.post(address, json=body, headers=headers, timeout=ANSWERED_WITHIN_S)
    return answer.status_code, answer.json().get("code", "")


def test_without_postgres_nothing_is_acknowledged_and_everything_heals_without_a_restart(
    stack: Stack, stack_client: Client, session_id: str
) -> None:
    pids = {name: process.pid for name, process in stack.processes.items()}
    with postgres_down(stack):
        assert append(stack, stack_client, session_id, 2) == (503, "database_unavailable")
        assert httpx.get(f"{stack.url}/health/ready", timeout=ANSWERED_WITHIN_S).status_code == 503
    deadline = time.monotonic() + HEALED_WITHIN_S
    while (answer := append(stack, stack_client, session_id, 2)) == (503, "database_unavailable"):
        assert time.monotonic() < deadline, "the web process never found PostgreSQL again"
    assert answer == (202, "")
    closed = stack_client.wait(
        lambda: stack_client.finalize(session_id), lambda session: session["state"] == "CLOSED", 60
    )
    assert closed["delivery"]["integrity_hash"]
    assert [block["text"] for block in stack_client.blocks(session_id)] == [TEXT, TEXT]
    stack.check_alive()
    assert {name: process.pid for name, process in stack.processes.items()} == pids


def test_an_unanswering_redis_delays_an_acknowledgement_by_seconds_and_no_more(
    stack: Stack, stack_client: Client, session_id: str
) -> None:
    with redis_frozen(stack):
        assert append(stack, stack_client, session_id, 2) == (202, "")
        assert append(stack, stack_client, session_id, 2) == (202, "")
    closed = stack_client.wait(
        lambda: stack_client.finalize(session_id), lambda session: session["state"] == "CLOSED", 60
    )
    assert closed["state"] == "CLOSED"
    assert [block["text"] for block in stack_client.blocks(session_id)] == [TEXT, TEXT]
