"""Every way in which a remote CORE goes wrong, and what each is called."""

from __future__ import annotations

import json
from dataclasses import dataclass

from sessions_app.understanding.types import Intent
from tests.doubles.misbehaving_core import (
    Behaviour,
    altered,
    break_off,
    drip_body,
    drip_head,
    endless,
    forgetful,
    hang,
    packed,
    redirect,
    reset,
    say,
    slow,
    status,
)

DEADLINE_S = 2.0
SHORT_S = 0.6
GRACE_S = 1.5
_DATA = {"subject": None, "in_favour": "14", "against": 0, "abstentions": 0, "result": "approved"}


@dataclass(frozen=True)
class Fault:
    """`tries` is how often CORE is asked before the client gives up; what uses up the deadline gets a short one."""

    name: str
    behaviour: Behaviour
    code: str
    tries: int = 1
    is_permanent: bool = False

    @property
    def deadline_s(self) -> float:
        """The deadline under which it is met."""
        return SHORT_S if self.code == "core_timeout" else DEADLINE_S


def wrong(name: str, behaviour: Behaviour) -> Fault:
    """A fault that is an answer of the wrong shape."""
    return Fault(name, behaviour, "core_answer_invalid", tries=3)


FAULTS = (
    Fault("slow", slow, "core_timeout"),
    Fault("hanging", hang, "core_timeout"),
    Fault("head that drips", drip_head, "core_timeout"),
    Fault("body that drips", drip_body, "core_timeout"),
    Fault("reset", reset, "core_unreachable", tries=3),
    Fault("broken off", break_off, "core_unreachable", tries=3),
    Fault("500", status(500), "core_status", tries=3),
    Fault("503", status(503), "core_status", tries=3),
    Fault("404", status(404), "core_status", tries=3),
    Fault("401", status(401), "core_refused"),
    Fault("422", status(422), "core_request_invalid", is_permanent=True),
    Fault("redirect", redirect, "core_redirected"),
    Fault("wrong content type", say(b"<html>busy</html>", media_type="text/html"), "core_not_json"),
    Fault("packed", packed, "core_not_json"),
    Fault("huge", say(b" " * 200_000), "core_answer_too_large"),
    Fault("endless", endless, "core_answer_too_large"),
    wrong("garbage", say(b"{{{not json")),
    wrong("empty", say(b"")),
    wrong("bytes", say(b"\xff\xfe\x00")),
    wrong("other JSON", say(json.dumps([1, 2, {"schema": "astra.core/1"}]).encode())),
    wrong("deep JSON", say(b"[" * 50_000)),
    wrong("other schema", say(b'{"schema": "astra.core/2", "understandings": [], "context": {}}')),
    wrong("unknown intent", altered(intent="DANCE")),
    wrong("words for numbers", altered(intent=str(Intent.VOTE), structured_data=_DATA)),
    wrong("NUL", altered(text="a\x00b")),
    wrong("not a number", altered(confidence=float("nan"))),
    wrong("time outside", altered(end_ms=999_999)),
    wrong("other words", altered(original_text="Se levanta la sesión.")),
    wrong("words left out", forgetful),
)

MET_BY_SESSIONS = {
    "slow",
    "hanging",
    "body that drips",
    "reset",
    "500",
    "422",
    "redirect",
    "wrong content type",
    "endless",
    "garbage",
    "words for numbers",
}
"""One of each kind: the session sees an error, not how it came about."""
