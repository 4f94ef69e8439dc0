"""Bad input over gRPC: each gets the status and the problem that REST gives it, and nothing at all has changed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any
from uuid import uuid4

import grpc
import pytest
from google.protobuf.struct_pb2 import Struct
from google.protobuf.timestamp_pb2 import Timestamp
from grpc import StatusCode as Status
from pytest_django import Settings

from sessions_app.rpc.generated import session_pb2 as pb
from sessions_app.rpc.scopes import SERVICE
from tests.factories.tenants import SkeletonFactory
from tests.people import Person, client_for
from tests.rpc.serving import TIMEOUT_S, Rpc, bearer, refused, serving
from tests.sessions.minutes_client import CLOSING, OPENING, Minutes, world
from tests.sessions.samples import FLAC, OTHER_WAV, SILENT_WAV_HEADER, WAV, png

LIMIT_BYTES = 60_000


@dataclass
class Ground:
    """An open session of Alice with one text and one chunk, and a skeleton of the outsider."""

    rpc: Rpc
    session_id: str
    theirs: str

    def start(self, **fields: Any) -> Any:
        return self.rpc.call("Start", pb.StartRequest(**{"client_timezone": "America/Bogota", **fields}))

    def append(self, sequence_id: int = 3, **fields: Any) -> Any:
        given = pb.Input(sequence_id=sequence_id, **fields)
        return self.rpc.call("Append", pb.AppendRequest(session_id=self.session_id, input=given))

    def context(self, **changes: Any) -> Any:
        request = pb.SetContextRequest(session_id=self.session_id, change=pb.ContextChange(**changes))
        return self.rpc.call("SetContext", request)

    def blocks(self, **fields: Any) -> Any:
        return self.rpc.call("ListBlocks", pb.ListBlocksRequest(session_id=self.session_id, **fields))

    def raw(self, method: str, message: bytes) -> Any:
        """Send bytes as they are."""
        call: Any = self.rpc.channel.unary_unary(f"/{SERVICE}/{method}")
        return call(message, metadata=bearer(self.rpc.token), timeout=TIMEOUT_S)


@pytest.fixture
def ground(settings: Settings, alice: Person, charlie: Person, transactional_db: None) -> Any:
    settings.MAX_CHUNK_BYTES = LIMIT_BYTES
    theirs = SkeletonFactory(tenant=charlie.council, is_default=False)
    with serving() as server, grpc.insecure_channel(server.target) as channel:
        rpc = Rpc(channel, alice.token())
        ground = Ground(rpc, rpc.start(), str(theirs.id))
        ground.append(1, text=OPENING)
        ground.append(2, audio=WAV)
        yield ground


def packed(**members: Any) -> Struct:
    struct = Struct()
    struct.update(members)
    return struct


def nested(depth: int) -> dict[str, Any]:
    return {"a": nested(depth - 1)} if depth else {}


def field(number: int, wire_type: int, value: bytes) -> bytes:
    return bytes([number << 3 | wire_type]) + value


def append_with_raw_number(session_id: str, number: bytes) -> bytes:
    """An AppendRequest whose `sequence_id` has exactly these varint bytes."""
    given = field(1, 0, number) + field(3, 2, bytes([1]) + b"a")
    return field(1, 2, bytes([len(session_id)]) + session_id.encode()) + field(2, 2, bytes([len(given)]) + given)


TWO_TO_THE_63 = bytes([0x80] * 9 + [0x01])
TOO_MANY_BITS = bytes([0xFF] * 10)
Call = Callable[[Ground], Any]
STARTS: dict[str, tuple[Call, Status, str]] = {
    "no time zone": (lambda g: g.start(client_timezone=""), Status.INVALID_ARGUMENT, "input_invalid"),
    "unknown time zone": (
        lambda g: g.start(client_timezone="America/Quibdo"),
        Status.INVALID_ARGUMENT,
        "client_timezone_invalid",
    ),
    "unknown skeleton": (lambda g: g.start(skeleton_id=str(uuid4())), Status.NOT_FOUND, "skeleton_not_found"),
    "another council's skeleton": (
        lambda g: g.start(skeleton_id=g.theirs),
        Status.PERMISSION_DENIED,
        "skeleton_of_another_tenant",
    ),
    "skeleton that is no id": (lambda g: g.start(skeleton_id="SKEL"), Status.INVALID_ARGUMENT, "input_invalid"),
    "a mode of the future": (lambda g: g.start(mode=77), Status.INVALID_ARGUMENT, "input_invalid"),
    "unknown engine": (lambda g: g.start(engine_provider="oracle"), Status.INVALID_ARGUMENT, "unknown_engine"),
    "metadata that is a book": (
        lambda g: g.start(metadata=packed(a="b" * 33_000)),
        Status.RESOURCE_EXHAUSTED,
        "metadata_too_large",
    ),
    "NUL in metadata": (lambda g: g.start(metadata=packed(a="b\0")), Status.INVALID_ARGUMENT, "parse_error"),
    "infinity in metadata": (
        lambda g: g.start(metadata=packed(a=float("inf"))),
        Status.INVALID_ARGUMENT,
        "parse_error",
    ),
    "no number in metadata": (
        lambda g: g.start(metadata=packed(a=float("nan"))),
        Status.INVALID_ARGUMENT,
        "parse_error",
    ),
    "too large a number in metadata": (
        lambda g: g.start(metadata=packed(a=2.0**60)),
        Status.INVALID_ARGUMENT,
        "parse_error",
    ),
    "metadata without a bottom": (
        lambda g: g.start(metadata=packed(**nested(25))),
        Status.INVALID_ARGUMENT,
        "parse_error",
    ),
}
APPENDS: dict[str, tuple[Call, Status, str]] = {
    "number 0": (lambda g: g.append(0, text=OPENING), Status.INVALID_ARGUMENT, "input_invalid"),
    "negative number": (lambda g: g.append(-1, text=OPENING), Status.INVALID_ARGUMENT, "input_invalid"),
    "the largest number": (lambda g: g.append(2**63 - 1, text=OPENING), Status.INVALID_ARGUMENT, "input_invalid"),
    "2^63": (
        lambda g: g.raw("Append", append_with_raw_number(g.session_id, TWO_TO_THE_63)),
        Status.INVALID_ARGUMENT,
        "input_invalid",
    ),
    "number far beyond the others": (
        lambda g: g.append(999_999, text=OPENING),
        Status.INVALID_ARGUMENT,
        "sequence_id_too_far",
    ),
    "no content": (lambda g: g.append(), Status.INVALID_ARGUMENT, "input_ambiguous"),
    "no input at all": (
        lambda g: g.rpc.call("Append", pb.AppendRequest(session_id=g.session_id)),
        Status.INVALID_ARGUMENT,
        "input_invalid",
    ),
    "empty audio": (lambda g: g.append(audio=b""), Status.INVALID_ARGUMENT, "audio_empty"),
    "empty text": (lambda g: g.append(text=""), Status.INVALID_ARGUMENT, "text_invalid"),
    "blank text": (lambda g: g.append(text=" \n"), Status.INVALID_ARGUMENT, "text_invalid"),
    "endless text": (lambda g: g.append(text="a" * 20_001), Status.INVALID_ARGUMENT, "text_invalid"),
    "NUL in text": (lambda g: g.append(text="a\0b"), Status.INVALID_ARGUMENT, "input_invalid"),
    "audio that is not audio": (
        lambda g: g.append(audio=b"nonsense" * 99),
        Status.INVALID_ARGUMENT,
        "audio_unreadable",
    ),
    "an image as audio": (lambda g: g.append(audio=png()), Status.INVALID_ARGUMENT, "audio_unreadable"),
    "truncated WAV": (lambda g: g.append(audio=WAV[:-1000]), Status.INVALID_ARGUMENT, "audio_truncated"),
    "truncated FLAC": (lambda g: g.append(audio=FLAC[:-1000]), Status.INVALID_ARGUMENT, "audio_truncated"),
    "header without samples": (
        lambda g: g.append(audio=SILENT_WAV_HEADER),
        Status.INVALID_ARGUMENT,
        "audio_truncated",
    ),
    "chunk over the limit": (
        lambda g: g.append(audio=b"RIFF" + bytes(LIMIT_BYTES)),
        Status.RESOURCE_EXHAUSTED,
        "chunk_too_large",
    ),
    "negative duration": (
        lambda g: g.append(text=OPENING, duration_ms=-1),
        Status.INVALID_ARGUMENT,
        "input_invalid",
    ),
    "captured after the end of time": (
        lambda g: g.append(text=OPENING, captured_at=Timestamp(seconds=10**13)),
        Status.INVALID_ARGUMENT,
        "input_invalid",
    ),
    "captured at a time that is none": (
        lambda g: g.append(text=OPENING, captured_at=Timestamp(seconds=1, nanos=-5)),
        Status.INVALID_ARGUMENT,
        "input_invalid",
    ),
    "same number, other text": (lambda g: g.append(1, text=CLOSING), Status.FAILED_PRECONDITION, "sequence_conflict"),
    "same number, other audio": (
        lambda g: g.append(2, audio=OTHER_WAV),
        Status.FAILED_PRECONDITION,
        "sequence_conflict",
    ),
    "same number, audio for text": (
        lambda g: g.append(1, audio=WAV),
        Status.FAILED_PRECONDITION,
        "sequence_conflict",
    ),
}
OTHERS: dict[str, tuple[Call, Status, str]] = {
    "empty context": (lambda g: g.context(), Status.INVALID_ARGUMENT, "context_empty"),
    "zone that is no name": (lambda g: g.context(zone="{{ZONA}}"), Status.INVALID_ARGUMENT, "input_invalid"),
    "speaker of 201 letters": (lambda g: g.context(speaker="a" * 201), Status.INVALID_ARGUMENT, "input_invalid"),
    "page before the first": (lambda g: g.blocks(first=-1), Status.INVALID_ARGUMENT, "input_invalid"),
    "page of nothing": (lambda g: g.blocks(limit=0), Status.INVALID_ARGUMENT, "input_invalid"),
    "page that is too long": (lambda g: g.blocks(limit=501), Status.INVALID_ARGUMENT, "input_invalid"),
    "a session that is no id": (
        lambda g: g.rpc.call("Get", pb.GetRequest(session_id="014")),
        Status.INVALID_ARGUMENT,
        "input_invalid",
    ),
    "no session": (lambda g: g.rpc.call("Get", pb.GetRequest()), Status.INVALID_ARGUMENT, "input_invalid"),
    "events before the first": (
        lambda g: list(
            g.rpc.stub.Watch(
                pb.WatchRequest(session_id=g.session_id, after=-1), metadata=bearer(g.rpc.token), timeout=TIMEOUT_S
            )
        ),
        Status.INVALID_ARGUMENT,
        "input_invalid",
    ),
}


@pytest.mark.parametrize("group", [STARTS, APPENDS, OTHERS], ids=["start", "append", "other"])
def test_bad_input_is_refused_and_changes_nothing(
    ground: Ground, alice: Person, charlie: Person, group: dict[str, Any], subtests: pytest.Subtests
) -> None:
    before = world(alice.tenant_id, charlie.tenant_id)
    for name, (call, status, code) in group.items():
        with subtests.test(name):
            with refused(code, status) as said:
                call(ground)
            assert len(said["trace_id"]) == 32
            assert world(alice.tenant_id, charlie.tenant_id) == before


def test_what_is_wrong_is_said_field_by_field(ground: Ground) -> None:
    with refused("input_invalid", Status.INVALID_ARGUMENT) as said:
        ground.append(0, text=OPENING, duration_ms=-1)
    assert set(said["errors"]) == {"sequence_id", "duration_ms"}


def test_a_conflict_says_what_is_there(ground: Ground) -> None:
    with refused("sequence_conflict", Status.FAILED_PRECONDITION) as said:
        ground.append(1, text=CLOSING)
    assert said["details"]["sequence_id"] == 1
    assert said["details"]["content_sha256"].startswith("sha256:")


def test_what_is_no_message_at_all_is_refused(ground: Ground, alice: Person) -> None:
    before = world(alice.tenant_id)
    for message in (b"\xff\xff\xff", append_with_raw_number(ground.session_id, TOO_MANY_BITS)):
        with refused("message_malformed", Status.INVALID_ARGUMENT):
            ground.raw("Append", message)
    with pytest.raises(grpc.RpcError) as raised:
        ground.raw("Append", bytes(LIMIT_BYTES + 64 * 1024 + 1))
    assert raised.value.code() == Status.RESOURCE_EXHAUSTED
    assert world(alice.tenant_id) == before


def test_a_stranger_is_refused_before_the_message_is_read(ground: Ground) -> None:
    nobody = replace(ground, rpc=replace(ground.rpc, token="nonsense"))
    for message in (b"\xff\xff\xff", bytes(LIMIT_BYTES + 64 * 1024 + 1)):
        with refused("token_invalid", Status.UNAUTHENTICATED):
            nobody.raw("Append", message)


def test_a_session_that_is_over_takes_nothing_but_repeats(ground: Ground, alice: Person) -> None:
    Minutes(client_for(alice), ground.session_id).close()
    before = world(alice.tenant_id)
    with refused("session_not_open", Status.FAILED_PRECONDITION):
        ground.append(3, text=CLOSING)
    with refused("session_not_open", Status.FAILED_PRECONDITION):
        ground.context(speaker="Ana Ruiz")
    assert ground.append(1, text=OPENING).ack.is_repeat
    assert world(alice.tenant_id) == before


def test_an_unknown_session_is_not_found(rpc: Rpc) -> None:
    for method, request in (
        ("Get", pb.GetRequest(session_id=str(uuid4()))),
        ("Append", pb.AppendRequest(session_id=str(uuid4()), input=pb.Input(sequence_id=1, text=OPENING))),
        ("Finalize", pb.FinalizeRequest(session_id=str(uuid4()))),
    ):
        with refused("session_not_found", Status.NOT_FOUND):
            rpc.call(method, request)


def test_nothing_recorded_makes_no_minutes(rpc: Rpc) -> None:
    with refused("session_empty", Status.FAILED_PRECONDITION):
        rpc.call("Finalize", pb.FinalizeRequest(session_id=rpc.start()))


def test_a_method_that_does_not_exist_is_not_implemented(rpc: Rpc) -> None:
    call: Any = rpc.channel.unary_unary(f"/{SERVICE}/Delete")
    with pytest.raises(grpc.RpcError) as raised:
        call(b"", metadata=bearer(rpc.token), timeout=TIMEOUT_S)
    assert raised.value.code() == Status.UNIMPLEMENTED
