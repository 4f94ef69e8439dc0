"""Who may call: the tokens and scopes of REST, and an outsider on every method that the service has.

The methods are read from the service's descriptor: a new one is tried as soon as it exists, and one whose request this
test does not know how to fill fails it until somebody says how.
"""

from __future__ import annotations

from typing import Any, Final
from uuid import uuid4

import grpc
import pytest
from grpc import StatusCode as Status

from sessions_app.rpc.generated import session_pb2 as pb
from sessions_app.rpc.scopes import SCOPES, SERVICE
from tests.people import Person, client_for
from tests.rpc.serving import TIMEOUT_S, Rpc, bearer, refused
from tests.sessions.minutes_client import OPENING, Minutes, world
from tests.sessions.test_bad_tokens import BAD_TOKENS

METHODS: Final = pb.DESCRIPTOR.services_by_name["SessionService"].methods_by_name
STATUS_OF: Final = {401: Status.UNAUTHENTICATED, 403: Status.PERMISSION_DENIED}
WITHOUT_A_SESSION: Final = frozenset({"Start"})
START: Final = pb.StartRequest(client_timezone="America/Bogota")


def request_for(method: str, session_id: str) -> Any:
    """A request that would be right for the session's own people."""
    given = pb.Input(sequence_id=9, text=OPENING)
    return {
        "Start": START,
        "Append": pb.AppendRequest(session_id=session_id, input=given),
        "Stream": iter([pb.StreamRequest(hello=pb.StreamHello(session_id=session_id)), pb.StreamRequest(input=given)]),
        "SetContext": pb.SetContextRequest(session_id=session_id, change=pb.ContextChange(speaker="x")),
        "Get": pb.GetRequest(session_id=session_id),
        "ListBlocks": pb.ListBlocksRequest(session_id=session_id),
        "Watch": pb.WatchRequest(session_id=session_id),
        "Finalize": pb.FinalizeRequest(session_id=session_id),
        "Clone": pb.CloneRequest(session_id=session_id),
    }[method]


def attempt(channel: grpc.Channel, method: str, session_id: str, metadata: Any) -> None:
    """Call any method to its end."""
    described = METHODS[method]
    call = getattr(Rpc(channel, "").stub, method)
    answer = call(request_for(method, session_id), metadata=metadata, timeout=TIMEOUT_S)
    if described.server_streaming:
        list(answer)


def test_every_method_says_which_scope_it_wants() -> None:
    assert set(SCOPES) == {f"/{SERVICE}/{method}" for method in METHODS}


def test_an_outsider_is_refused_on_every_method(
    channel: grpc.Channel, alice: Person, charlie: Person, subtests: pytest.Subtests
) -> None:
    closed, opened = Minutes.start(alice), Minutes.start(alice)
    for minutes in (closed, opened):
        minutes.say(1, OPENING)
    closed.close()
    before = world(alice.tenant_id, charlie.tenant_id)
    for method in sorted(set(METHODS) - WITHOUT_A_SESSION):
        for minutes in (closed, opened):
            with subtests.test(method), refused("session_of_another_tenant", Status.PERMISSION_DENIED):
                attempt(channel, method, minutes.session_id, bearer(charlie.token()))
    assert world(alice.tenant_id, charlie.tenant_id) == before


def test_an_unknown_session_is_not_found_on_every_method(
    channel: grpc.Channel, alice: Person, subtests: pytest.Subtests
) -> None:
    for method in sorted(set(METHODS) - WITHOUT_A_SESSION):
        with subtests.test(method), refused("session_not_found", Status.NOT_FOUND):
            attempt(channel, method, str(uuid4()), bearer(alice.token()))


def test_what_an_outsider_starts_is_the_outsiders(channel: grpc.Channel, alice: Person, charlie: Person) -> None:
    before = world(alice.tenant_id)
    session_id = Rpc(channel, charlie.token()).start()
    assert Minutes(client_for(charlie), session_id).row().tenant_id == charlie.tenant_id
    assert world(alice.tenant_id) == before


def test_a_colleague_of_the_same_council_may(channel: grpc.Channel, rpc: Rpc, alice: Person, bob: Person) -> None:
    session_id = rpc.start()
    Rpc(channel, bob.token()).say(session_id, 1, OPENING)
    assert [row.actor for row in Minutes(client_for(alice), session_id).journal()] == ["bob"]


def test_a_bad_token_opens_no_method(channel: grpc.Channel, alice: Person, subtests: pytest.Subtests) -> None:
    minutes = Minutes.start(alice)
    before = world(alice.tenant_id)
    for name, (make, status, code) in BAD_TOKENS.items():
        token = make(alice)
        if not token.isascii():
            continue  # no gRPC client sends such metadata
        for method in METHODS if name == "expired" else ("Append",):
            with subtests.test(name, method=method), refused(code, STATUS_OF[status]):
                attempt(channel, method, minutes.session_id, bearer(token))
    assert world(alice.tenant_id) == before


def test_no_bearer_token_is_no_access(channel: grpc.Channel, alice: Person, subtests: pytest.Subtests) -> None:
    minutes = Minutes.start(alice)
    token = alice.token()
    for value in ("", "Bearer", "Bearer a b", "Basic YWxpY2U6c2VjcmV0", f"Token {token}", token):
        with subtests.test(value[:20]), refused("token_invalid" if value else "token_missing", Status.UNAUTHENTICATED):
            attempt(channel, "Get", minutes.session_id, (("authorization", value),))
    with refused("token_missing", Status.UNAUTHENTICATED):
        attempt(channel, "Get", minutes.session_id, ())
    with refused("token_invalid", Status.UNAUTHENTICATED):
        attempt(channel, "Get", minutes.session_id, (*bearer(token), *bearer(token)))


def test_a_token_does_what_its_scopes_say(channel: grpc.Channel, alice: Person, subtests: pytest.Subtests) -> None:
    minutes = Minutes.start(alice)
    before = world(alice.tenant_id)
    for method in METHODS:
        wanted = SCOPES[f"/{SERVICE}/{method}"]
        others = {"sessions:read", "sessions:write", "jobs:read", "jobs:write"} - {wanted}
        with subtests.test(method), refused("scope_missing", Status.PERMISSION_DENIED) as said:
            attempt(channel, method, minutes.session_id, bearer(alice.token(*others)))
        assert said["details"] == {"scope": wanted}
    assert world(alice.tenant_id) == before


def test_the_tokens_of_a_council_that_is_switched_off_are_refused(rpc: Rpc, alice: Person) -> None:
    session_id = rpc.start()
    type(alice.council).objects.filter(pk=alice.tenant_id).update(is_active=False)
    with refused("tenant_inactive", Status.PERMISSION_DENIED):
        rpc.say(session_id, 1, OPENING)
