"""Whatever a client sends is a frame, a refused frame or no frame: nothing else comes out of reading it."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from astra_site.lib.errors import TooLarge
from sessions_app.realtime.frames import (
    Audio,
    Bye,
    Context,
    Finalize,
    FrameRefused,
    Hello,
    Malformed,
    Ping,
    Text,
    Token,
    read_frame,
)

FRAMES = (Hello, Audio, Text, Context, Finalize, Ping, Token, Bye)
KINDS = ["hello", "audio", "text", "context", "finalize", "ping", "token", "bye"]
NAMES = ["id", "sequence_id", "captured_at", "duration_ms", "text", "speaker", "restricted", "resume", "token", "after"]
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.datetimes().map(str),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


def outcome(text: str) -> str:
    try:
        frame = read_frame(text)
    except (Malformed, TooLarge):
        return "ends"
    except FrameRefused as refused:
        return str(refused.error.default_code)
    assert isinstance(frame, FRAMES)
    return "read"


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(KINDS), st.dictionaries(st.sampled_from(NAMES), VALUES, max_size=4))
def test_a_known_frame_is_read_or_refused(kind: str, fields: dict[str, Any]) -> None:
    assert outcome(json.dumps({**fields, "type": kind})) in {"read", "invalid", "parse_error"}


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(VALUES)
def test_any_other_json_ends_the_socket(value: Any) -> None:
    assert outcome(json.dumps(value)) == "ends"


@settings(deadline=None)
@given(st.text() | st.binary().map(lambda raw: raw.decode("latin-1")))
def test_any_text_is_answered(text: str) -> None:
    assert outcome(text) == "ends" or isinstance(json.loads(text), dict)


def test_times_without_an_offset_are_utc() -> None:
    for said in ("2026-11-25T09:00:00", "2026-11-25T09:00:00Z", "2026-11-25T04:00:00-05:00"):
        frame = read_frame(json.dumps({"type": "audio", "captured_at": said}))
        assert isinstance(frame, Audio)
        assert frame.captured_at is not None
        assert frame.captured_at.isoformat() == "2026-11-25T09:00:00+00:00"
