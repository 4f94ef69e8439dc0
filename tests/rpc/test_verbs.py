"""Every verb of a session over gRPC does and answers what its REST sister does."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import grpc
import pytest
from google.protobuf.json_format import MessageToDict
from google.protobuf.struct_pb2 import Struct
from google.protobuf.timestamp_pb2 import Timestamp

from sessions_app.api.serializers import DeliveryOutput, DrainOutput, PinnedOutput, SessionOutput
from sessions_app.models import Mode, State
from sessions_app.rpc.generated import session_pb2 as pb
from tests.people import Person, client_for
from tests.rpc.serving import TIMEOUT_S, Rpc, bearer, refused
from tests.sessions.minutes_client import CLOSING, OPENING, VOTE, Minutes, finish_jobs
from tests.sessions.samples import FLAC

METADATA = {"number": "014", "city": "Quibdó", "seats": 17, "share": 0.5, "guests": ["Ana", None, True], "room": {}}


@pytest.fixture
def minutes(rpc: Rpc, alice: Person) -> Minutes:
    """A session started over gRPC, seen through REST."""
    return Minutes(client_for(alice), rpc.start(mode=pb.MODE_REALTIME, metadata=packed(METADATA)))


def packed(value: dict[str, Any]) -> Struct:
    struct = Struct()
    struct.update(value)
    return struct


def plain(message: Any) -> dict[str, Any]:
    """A message as JSON in the words of REST: whole numbers as numbers, states and modes without their prefix."""
    return dict(MessageToDict(message, preserving_proto_field_name=True, always_print_fields_with_no_presence=True))


def test_start_pins_and_keeps_what_was_given(rpc: Rpc, minutes: Minutes) -> None:
    shown = minutes.show()
    assert (shown["mode"], shown["client_timezone"], shown["metadata"]) == ("realtime", "America/Bogota", METADATA)
    assert str(shown["metadata"]["seats"]) == "17"
    session = rpc.call("Get", pb.GetRequest(session_id=minutes.session_id))
    assert session.started_at.ToDatetime(UTC) == datetime.fromisoformat(shown["started_at"])
    assert (session.state, session.mode) == (pb.SESSION_STATE_OPEN, pb.MODE_REALTIME)
    assert {**plain(session.pinned), "config_version": 1, "skeleton_version": 1} == shown["pinned"]
    assert minutes.row().started_by == "alice"


def test_start_with_nothing_but_a_time_zone_is_a_recording(rpc: Rpc, alice: Person) -> None:
    assert Minutes(client_for(alice), rpc.start()).show()["mode"] == "batch"


def test_every_member_of_the_rest_api_has_its_place_in_the_messages(alice: Person) -> None:
    for output, message in (
        (SessionOutput, pb.Session),
        (PinnedOutput, pb.Pinned),
        (DrainOutput, pb.Drain),
        (DeliveryOutput, pb.Delivery),
    ):
        assert set(output().fields) <= set(message.DESCRIPTOR.fields_by_name), message.DESCRIPTOR.name
    assert {f"SESSION_STATE_{state}" for state in State} <= set(pb.SessionState.keys())
    assert {f"MODE_{mode.upper()}" for mode in Mode} <= set(pb.Mode.keys())


def test_append_keeps_text_and_audio_with_when_they_were_captured(rpc: Rpc, minutes: Minutes) -> None:
    captured_at = Timestamp()
    captured_at.FromDatetime(datetime(2026, 11, 25, 14, 15, 0, 250_000, tzinfo=UTC))
    given = pb.Input(sequence_id=1, text=OPENING, captured_at=captured_at, duration_ms=5_000)
    said = rpc.call("Append", pb.AppendRequest(session_id=minutes.session_id, input=given))
    heard = rpc.call(
        "Append", pb.AppendRequest(session_id=minutes.session_id, input=pb.Input(sequence_id=2, audio=FLAC))
    )
    text, audio = minutes.journal()
    assert (text.kind, text.payload["text"], text.actor) == ("text", OPENING, "alice")
    assert text.payload["captured_at"] == "2026-11-25T14:15:00.250000Z"
    assert text.payload["captured_duration_ms"] == 5_000
    assert (audio.kind, audio.audio_media_type, audio.audio_size_bytes) == ("audio", "audio/flac", len(FLAC))
    for answer, row in ((said, text), (heard, audio)):
        assert answer.session_id == minutes.session_id
        assert (answer.ack.sequence_id, answer.ack.content_sha256) == (row.sequence_id, row.content_sha256)
        assert (answer.ack.status, answer.ack.is_repeat) == ("PROCESSING", False)


def test_who_waits_gets_the_blocks_when_they_are_there_in_time(rpc: Rpc, minutes: Minutes) -> None:
    ask = pb.AppendRequest(session_id=minutes.session_id, input=pb.Input(sequence_id=1, text=OPENING), wait_s=0.05)
    late = rpc.call("Append", ask)
    assert (late.ack.status, list(late.blocks)) == ("PROCESSING", [])
    finish_jobs()
    ask.wait_s = 30
    there = rpc.call("Append", ask)
    assert (there.ack.status, there.ack.is_repeat, there.blocks[0].text) == ("READY", True, OPENING)
    for wait_s in (-1, 30.1, float("nan"), float("inf")):
        ask.wait_s = wait_s
        with refused("wait_invalid", grpc.StatusCode.INVALID_ARGUMENT):
            rpc.call("Append", ask)
    assert minutes.kinds().count("text") == 1


def test_a_repeat_is_answered_as_before_on_either_transport(rpc: Rpc, minutes: Minutes) -> None:
    first = rpc.say(minutes.session_id, 1, OPENING).ack
    again = rpc.say(minutes.session_id, 1, OPENING).ack
    over_http = minutes.say(1, OPENING).json()
    assert (first.is_repeat, again.is_repeat, over_http["repeated"]) == (False, True, True)
    assert first.content_sha256 == again.content_sha256 == over_http["content_sha256"]
    assert minutes.kinds() == ["text"]


def test_the_context_changes_what_is_given_and_keeps_the_rest(rpc: Rpc, minutes: Minutes) -> None:
    def change(**changes: Any) -> dict[str, Any]:
        request = pb.SetContextRequest(session_id=minutes.session_id, change=pb.ContextChange(**changes))
        return MessageToDict(rpc.call("SetContext", request), preserving_proto_field_name=True)

    begin = {"from_sequence_id": "1"}
    assert change(speaker="Ana Ruiz", zone="ZONA_DEBATE") == {**begin, "speaker": "Ana Ruiz", "zone": "ZONA_DEBATE"}
    assert change(topic="Acueducto", restricted=True) == {
        **begin,
        "speaker": "Ana Ruiz",
        "topic": "Acueducto",
        "zone": "ZONA_DEBATE",
        "restricted": True,
    }
    assert change(speaker="", zone="", restricted=False) == {**begin, "topic": "Acueducto"}
    newest = minutes.journal()[-1]
    assert newest.payload["speaker"] is None
    assert newest.payload["restricted"] is False


def test_blocks_are_listed_page_by_page_as_rest_lists_them(rpc: Rpc, minutes: Minutes) -> None:
    for number, text in enumerate((OPENING, VOTE, CLOSING), 1):
        rpc.say(minutes.session_id, number, text)
    finish_jobs()
    whole = rpc.call("ListBlocks", pb.ListBlocksRequest(session_id=minutes.session_id))
    second = rpc.call("ListBlocks", pb.ListBlocksRequest(session_id=minutes.session_id, first=1, limit=1))
    shown = minutes.blocks()
    assert (whole.position_count, whole.processing_count, len(whole.blocks)) == (3, 0, len(shown))
    assert list(second.blocks) == [whole.blocks[1]]
    for block, expected in zip(whole.blocks, shown, strict=True):
        assert set(expected) <= set(pb.Block.DESCRIPTOR.fields_by_name)
        for name in ("block_id", "type", "status", "intent", "template_id", "label", "text", "target_placeholder"):
            assert getattr(block, name) == expected[name]
        assert MessageToDict(block.data) == expected["data"]
        assert block.confidence == pytest.approx(expected["confidence"])
        assert not block.HasField("speaker")


def test_finalize_drains_and_closes_and_the_links_are_those_of_rest(rpc: Rpc, minutes: Minutes) -> None:
    rpc.say(minutes.session_id, 1, OPENING)
    rpc.say(minutes.session_id, 3, CLOSING)
    finish_jobs()
    ask = pb.FinalizeRequest(session_id=minutes.session_id)
    waiting = rpc.call("Finalize", ask)
    assert (waiting.state, waiting.is_draining) == (pb.SESSION_STATE_DRAINING, True)
    assert (list(waiting.drain.missing), waiting.drain.missing_count) == ([2], 1)
    assert not waiting.HasField("delivery")
    ask.accept_gaps = True
    assert rpc.call("Finalize", ask).state == pb.SESSION_STATE_BUILDING
    finish_jobs()
    closed = rpc.call("Finalize", ask)
    assert (closed.state, closed.is_draining, closed.HasField("drain")) == (pb.SESSION_STATE_CLOSED, False, False)
    assert closed.delivery.integrity_hash == minutes.show()["delivery"]["integrity_hash"]
    assert closed.job_id == minutes.show()["job_id"]


def test_a_clone_corrects_a_closed_session_once(rpc: Rpc, minutes: Minutes, alice: Person) -> None:
    rpc.say(minutes.session_id, 1, OPENING)
    ask = pb.CloneRequest(session_id=minutes.session_id, clone_id="v2")
    with refused("session_not_closed", grpc.StatusCode.FAILED_PRECONDITION):
        rpc.call("Clone", ask)
    minutes.close()
    made, again = rpc.call("Clone", ask), rpc.call("Clone", ask)
    assert (made.is_repeat, again.is_repeat) == (False, True)
    assert made.session.session_id == again.session.session_id
    assert made.session.state == pb.SESSION_STATE_OPEN
    assert made.session.parent_session_id == minutes.session_id
    correction = Minutes(client_for(alice), made.session.session_id)
    assert [block["text"] for block in correction.blocks()] == [OPENING]
    ask.clone_id = "v3"
    with refused("clone_open", grpc.StatusCode.FAILED_PRECONDITION) as said:
        rpc.call("Clone", ask)
    assert said["details"]["session_id"] == made.session.session_id
    ask.clone_id = "x" * 65
    with refused("input_invalid", grpc.StatusCode.INVALID_ARGUMENT):
        rpc.call("Clone", ask)


def test_a_watcher_is_told_everything_once_and_in_order_until_the_session_is_closed(rpc: Rpc, minutes: Minutes) -> None:
    def watch(after: int) -> Any:
        request = pb.WatchRequest(session_id=minutes.session_id, after=after)
        return rpc.stub.Watch(request, metadata=bearer(rpc.token), timeout=TIMEOUT_S)

    events = watch(0)
    assert next(events).state == pb.SESSION_STATE_OPEN
    rpc.say(minutes.session_id, 1, OPENING)
    said = next(events)
    assert (said.number, said.type, said.kind, said.sequence_id) == (1, "input", "text", 1)
    finish_jobs()
    blocks = next(events)
    assert (blocks.number, blocks.type, blocks.blocks[0].intent) == (2, "blocks", "OPEN_SESSION")
    events.cancel()
    minutes.set_context(speaker="Ana Ruiz")
    minutes.close()
    rest = list(watch(blocks.number))
    numbered = [event.number for event in rest if event.type != "state"]
    assert numbered == list(range(3, len(minutes.journal()) + 1))
    assert [event.payload["speaker"] for event in rest if event.type == "context"] == ["Ana Ruiz"]
    assert rest[-1].state == pb.SESSION_STATE_CLOSED
