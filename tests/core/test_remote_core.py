"""A remote CORE that misbehaves in every way: what is raised, how soon, and after how many tries."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from astra_site.lib.errors import AstraError
from sessions_app.core.remote import RemoteCoreClient
from sessions_app.understanding.schema import request_for
from sessions_app.understanding.types import DialogueContext, TenantLanguage, Utterance
from tests.core.faults import DEADLINE_S, FAULTS, GRACE_S, SHORT_S, Fault
from tests.doubles.misbehaving_core import Core, behave, hang, reset, status

REQUEST = request_for(
    (Utterance("Se abre la sesión. Con dos votos a favor queda aprobada el acta.", 0, 900),),
    DialogueContext(),
    TenantLanguage(),
)


@contextmanager
def asking(url: str, timeout_s: float = DEADLINE_S) -> Iterator[RemoteCoreClient]:
    client = RemoteCoreClient(url, token="secret-of-core", timeout_s=timeout_s, max_answer_bytes=100_000)
    try:
        yield client
    finally:
        client.close()


@pytest.fixture
def client(core: Core) -> Iterator[RemoteCoreClient]:
    with asking(core.url) as opened:
        yield opened


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_fault_is_an_error_of_its_own_within_the_deadline(core: Core, fault: Fault) -> None:
    core.behaviour = fault.behaviour
    with asking(core.url, fault.deadline_s) as client:
        began = time.monotonic()
        with pytest.raises(AstraError) as caught:
            client.ask(REQUEST)
        assert time.monotonic() - began < fault.deadline_s + GRACE_S
    assert (caught.value.code, caught.value.permanent) == (fault.code, fault.is_permanent)
    assert len(core.asked) == fault.tries
    assert core.followed == 0
    assert "secret-of-core" not in str(caught.value)


def test_what_passes_soon_is_made_good_by_another_try(core: Core, client: RemoteCoreClient) -> None:
    wrongs = [reset, status(503)]
    core.behaviour = lambda exchange: (wrongs.pop(0) if wrongs else behave)(exchange)
    assert [form.intent for form in client.ask(REQUEST).understandings] == ["OPEN_SESSION", "VOTE"]
    assert len(core.asked) == 3


def test_after_a_fault_the_next_question_is_answered(core: Core) -> None:
    with asking(core.url, SHORT_S) as client:
        core.behaviour = hang
        with pytest.raises(AstraError):
            client.ask(REQUEST)
        core.behaviour = behave
        assert client.ask(REQUEST).understandings


def test_the_token_is_sent_and_connections_are_kept(core: Core, client: RemoteCoreClient) -> None:
    for _ in range(3):
        client.ask(REQUEST)
    assert {asked.headers["Authorization"] for asked in core.asked} == {"Bearer secret-of-core"}
    assert {asked.headers["Content-Type"] for asked in core.asked} == {"application/json"}
    assert len({asked.client_address for asked in core.asked}) == 1


@pytest.mark.parametrize(("is_listening", "code"), [(False, "core_unreachable"), (True, "core_timeout")])
def test_a_closed_port_and_a_silent_one_are_met_in_time(is_listening: bool, code: str) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        if is_listening:
            silent.listen(1)
        with asking(f"http://127.0.0.1:{silent.getsockname()[1]}/", SHORT_S) as client:
            began = time.monotonic()
            with pytest.raises(AstraError) as caught:
                client.ask(REQUEST)
            assert time.monotonic() - began < SHORT_S + GRACE_S
            assert caught.value.code == code
