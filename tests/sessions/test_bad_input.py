"""Bad input: each gets its own problem JSON, and nothing at all has changed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from pytest_django import Settings

from tests.factories.tenants import SkeletonFactory
from tests.people import Person, client_for
from tests.sessions.minutes_client import BASE, OPENING, START, Minutes, send_body, world
from tests.sessions.problems import assert_problem
from tests.sessions.samples import FLAC, OTHER_WAV, SILENT_WAV_HEADER, WAV, huge_png, png

pytestmark = pytest.mark.django_db


@dataclass
class Ground:
    """An open session of Alice with one text and one chunk, and a session of the outsider."""

    alice: Person
    charlie: Person
    minutes: Minutes
    theirs: Minutes

    def post(self, verb: str, body: Any, **options: Any) -> Any:
        return self.minutes.api.post(self.minutes.url(verb), body, **{"format": "json", **options})

    def raw(self, verb: str, body: bytes | str, content_type: str = "application/json", method: str = "POST") -> Any:
        sent = body.encode() if isinstance(body, str) else body
        return send_body(self.minutes.api, method, self.minutes.url(verb), sent, content_type)

    def start(self, **fields: Any) -> Any:
        body = {name: value for name, value in {**START, **fields}.items() if value is not None}
        return self.minutes.api.post(f"{BASE}/session/start", body, format="json")


@pytest.fixture
def ground(alice: Person, charlie: Person, settings: Settings) -> Ground:
    settings.MAX_CHUNK_BYTES = 60_000
    settings.MAX_ASSET_BYTES = 50_000
    ground = Ground(alice, charlie, Minutes.start(alice), Minutes.start(charlie))
    assert ground.minutes.say(1, OPENING).status_code == 202
    assert ground.minutes.send_audio(2, WAV).status_code == 202
    return ground


def recording_url(ground: Ground, session_id: str, tenant_id: Any, name: str = "recording-" + "a" * 64) -> Any:
    return ground.minutes.submit_recording(f"astra://audio/{tenant_id}/{session_id}/{name}")


def with_uploaded_recording(minutes: Minutes) -> str:
    answer = minutes.upload_recording(WAV)
    assert answer.status_code == 201, answer.content
    return str(answer.json()["audio_url"])


TOO_LONG = b"RIFF" + bytes(60_001)
DEEP = '{"a":' * 5000 + "1" + "}" * 5000
Call = Callable[[Ground], Any]
STARTS: dict[str, tuple[Call, int, str]] = {
    "no time zone": (lambda g: g.start(client_timezone=None), 400, "input_invalid"),
    "empty time zone": (lambda g: g.start(client_timezone=""), 400, "input_invalid"),
    "unknown time zone": (lambda g: g.start(client_timezone="America/Quibdo"), 400, "client_timezone_invalid"),
    "time zone that is a folder": (lambda g: g.start(client_timezone="America"), 400, "client_timezone_invalid"),
    "time zone that climbs": (lambda g: g.start(client_timezone="../etc/passwd"), 400, "client_timezone_invalid"),
    "absolute time zone": (lambda g: g.start(client_timezone="/etc/passwd"), 400, "client_timezone_invalid"),
    "offset as time zone": (lambda g: g.start(client_timezone="-05:00"), 400, "client_timezone_invalid"),
    "time zone that is a number": (lambda g: g.start(client_timezone=[5]), 400, "input_invalid"),
    "unknown skeleton": (lambda g: g.start(skeleton_id=str(uuid4())), 404, "skeleton_not_found"),
    "skeleton that is no id": (lambda g: g.start(skeleton_id="SKEL_STD"), 400, "input_invalid"),
    "unknown mode": (lambda g: g.start(mode="telepathy"), 400, "input_invalid"),
    "unknown engine": (lambda g: g.start(model_config={"provider": "oracle"}), 415, "unknown_engine"),
    "engine that is no name": (lambda g: g.start(model_config={"provider": {}}), 400, "input_invalid"),
    "metadata that is a list": (lambda g: g.start(metadata=[1]), 400, "input_invalid"),
    "metadata that is a book": (lambda g: g.start(metadata={"a": "b" * 33_000}), 413, "metadata_too_large"),
    "metadata with too large a number": (lambda g: g.start(metadata={"n": 2**60}), 400, "parse_error"),
    "body that is a list": (
        lambda g: g.minutes.api.post(f"{BASE}/session/start", [START], format="json"),
        400,
        "input_invalid",
    ),
}
APPENDS: dict[str, tuple[Call, int, str]] = {
    "audio that is not audio": (lambda g: g.minutes.send_audio(3, b"not audio at all" * 50), 400, "audio_unreadable"),
    "an image as audio": (lambda g: g.minutes.send_file(3, png()), 400, "audio_unreadable"),
    "truncated WAV": (lambda g: g.minutes.send_audio(3, WAV[:-1000]), 400, "audio_truncated"),
    "truncated FLAC": (lambda g: g.minutes.send_file(3, FLAC[:-1000]), 400, "audio_truncated"),
    "header without samples": (lambda g: g.minutes.send_audio(3, SILENT_WAV_HEADER), 400, "audio_truncated"),
    "empty chunk, base64": (lambda g: g.post("append", {"sequence_id": 3, "audio_chunk": ""}), 400, "input_invalid"),
    "empty chunk, multipart": (lambda g: g.minutes.send_file(3, b""), 400, "audio_empty"),
    "chunk over the limit, base64": (lambda g: g.minutes.send_audio(3, TOO_LONG), 413, "chunk_too_large"),
    "chunk over the limit, multipart": (lambda g: g.minutes.send_file(3, TOO_LONG), 413, "chunk_too_large"),
    "invalid base64": (
        lambda g: g.post("append", {"sequence_id": 3, "audio_chunk": "UklGR*"}),
        400,
        "base64_invalid",
    ),
    "base64 that is not ASCII": (
        lambda g: g.post("append", {"sequence_id": 3, "audio_chunk": "áéíó"}),
        400,
        "base64_invalid",
    ),
    "two contents at once": (lambda g: g.minutes.say(3, OPENING, audio_chunk="UklGRg=="), 400, "input_ambiguous"),
    "no content": (lambda g: g.post("append", {"sequence_id": 3}), 400, "input_ambiguous"),
    "blank text": (lambda g: g.minutes.say(3, " \n\t"), 400, "text_invalid"),
    "endless text": (lambda g: g.minutes.say(3, "a" * 20_001), 400, "text_invalid"),
    "no number": (lambda g: g.post("append", {"text": OPENING}), 400, "input_invalid"),
    "number 0": (lambda g: g.minutes.say(0, OPENING), 400, "input_invalid"),
    "negative number": (lambda g: g.minutes.say(-1, OPENING), 400, "input_invalid"),
    "huge number": (lambda g: g.minutes.say(10**9, OPENING), 400, "input_invalid"),
    "number of 64 bits": (lambda g: g.minutes.say(2**63, OPENING), 400, "parse_error"),
    "number that is none": (lambda g: g.post("append", {"sequence_id": "three", "text": "a"}), 400, "input_invalid"),
    "number that is true": (lambda g: g.post("append", {"sequence_id": True, "text": "a"}), 400, "input_invalid"),
    "number with a fraction": (lambda g: g.post("append", {"sequence_id": 3.5, "text": "a"}), 400, "input_invalid"),
    "number far beyond the others": (lambda g: g.minutes.say(999_999, OPENING), 400, "sequence_id_too_far"),
    "duration that is none": (lambda g: g.minutes.say(3, OPENING, duration_ms="long"), 400, "input_invalid"),
    "captured never": (lambda g: g.minutes.say(3, OPENING, captured_at="yesterday"), 400, "input_invalid"),
    "captured after the end of time": (
        lambda g: g.minutes.say(3, OPENING, captured_at="9999-12-31T23:30:00-05:00"),
        400,
        "input_invalid",
    ),
    "captured before its beginning": (
        lambda g: g.minutes.say(3, OPENING, captured_at="0001-01-01T00:00:00+14:00"),
        400,
        "input_invalid",
    ),
    "same number, other text": (lambda g: g.minutes.say(1, "Otra cosa."), 409, "sequence_conflict"),
    "same number, audio for text": (lambda g: g.minutes.send_audio(1, WAV), 409, "sequence_conflict"),
    "same number, other audio": (lambda g: g.minutes.send_audio(2, OTHER_WAV), 409, "sequence_conflict"),
    "same number, bad audio": (lambda g: g.minutes.send_audio(2, b"noise"), 409, "sequence_conflict"),
}
FORMS: dict[str, tuple[Call, int, str]] = {
    "JSON garbage": (lambda g: g.raw("append", "{nonsense"), 400, "parse_error"),
    "JSON cut off": (lambda g: g.raw("append", '{"sequence_id": 3, "text": "Se ab'), 400, "parse_error"),
    "no JSON object": (lambda g: g.raw("append", "7"), 400, "input_invalid"),
    "bytes that are no UTF-8": (lambda g: g.raw("append", b'{"sequence_id": 3, "text": "\xff"}'), 400, "parse_error"),
    "NUL in text": (lambda g: g.raw("append", '{"sequence_id": 3, "text": "a\\u0000b"}'), 400, "parse_error"),
    "lone surrogate": (lambda g: g.raw("append", '{"sequence_id": 3, "text": "\\ud800"}'), 400, "parse_error"),
    "infinity": (lambda g: g.raw("append", '{"sequence_id": 1e999, "text": "a"}'), 400, "parse_error"),
    "deep nesting": (lambda g: g.raw("append", DEEP), 400, "parse_error"),
    "NUL in multipart": (
        lambda g: g.post("append", {"sequence_id": 3, "text": "a\x00b"}, format="multipart"),
        400,
        "input_invalid",
    ),
    "broken multipart": (
        lambda g: g.raw("append", b"--x\r\nnonsense", "multipart/form-data; boundary=y"),
        400,
        "input_invalid",
    ),
    "multipart without boundary": (lambda g: g.raw("append", b"x", "multipart/form-data"), 400, "parse_error"),
    "form encoding": (
        lambda g: g.raw("append", "sequence_id=3&text=a", "application/x-www-form-urlencoded"),
        415,
        "unsupported_media_type",
    ),
    "audio as a bare body without a number": (lambda g: g.raw("append", WAV, "audio/wav"), 400, "input_invalid"),
    "a picture as a bare body": (lambda g: g.raw("append", png(), "image/png"), 415, "unsupported_media_type"),
    "XML": (lambda g: g.raw("finalize", "<a/>", "application/xml"), 415, "unsupported_media_type"),
    "image as JSON": (lambda g: g.post("upload-asset", {"file": "x"}), 415, "unsupported_media_type"),
    "GET on append": (lambda g: g.raw("append", "", method="GET"), 405, "method_not_allowed"),
    "DELETE of a session": (lambda g: g.raw("", "", method="DELETE"), 405, "method_not_allowed"),
    "PUT on the context": (lambda g: g.raw("current-context", "{}", method="PUT"), 405, "method_not_allowed"),
    "POST on blocks": (lambda g: g.raw("blocks", "{}"), 405, "method_not_allowed"),
}
IMAGES: dict[str, tuple[Call, int, str]] = {
    "not an image": (lambda g: g.minutes.show_image(b"not an image"), 415, "image_unsupported"),
    "audio as an image": (lambda g: g.minutes.show_image(WAV[:20_000]), 415, "image_unsupported"),
    "cut image": (lambda g: g.minutes.show_image(png(300, 300)[:-40]), 400, "image_malformed"),
    "empty image": (lambda g: g.minutes.show_image(b""), 400, "image_empty"),
    "image with too many pixels": (lambda g: g.minutes.show_image(huge_png()), 413, "image_too_many_pixels"),
    "image with too many bytes": (lambda g: g.minutes.show_image(bytes(50_001)), 413, "asset_too_large"),
    "no image": (lambda g: g.post("upload-asset", {}, format="multipart"), 400, "input_invalid"),
    "endless caption": (lambda g: g.minutes.show_image(png(), caption="a" * 301), 400, "input_invalid"),
    "place that is none": (lambda g: g.minutes.show_image(png(), after_sequence_id=-1), 400, "input_invalid"),
    "place beyond every number": (
        lambda g: g.minutes.show_image(png(), after_sequence_id=10**12),
        400,
        "input_invalid",
    ),
}
RECORDINGS: dict[str, tuple[Call, int, str]] = {
    "recording that is not audio": (lambda g: g.minutes.upload_recording(b"nonsense" * 99), 400, "audio_unreadable"),
    "truncated recording": (lambda g: g.minutes.upload_recording(WAV[:-500]), 400, "audio_truncated"),
    "truncated FLAC recording": (lambda g: g.minutes.upload_recording(FLAC[:-1000]), 400, "audio_truncated"),
    "empty recording": (lambda g: g.minutes.upload_recording(b""), 400, "audio_empty"),
    "job for a recording that never came": (
        lambda g: recording_url(g, g.minutes.session_id, g.alice.tenant_id),
        404,
        "recording_not_found",
    ),
    "job for another session's recording": (
        lambda g: g.minutes.submit_recording(with_uploaded_recording(Minutes.start(g.alice))),
        404,
        "recording_not_found",
    ),
    "job for another council's recording": (
        lambda g: g.minutes.submit_recording(with_uploaded_recording(g.theirs)),
        404,
        "recording_not_found",
    ),
    "job for a file of the server": (
        lambda g: g.minutes.submit_recording("file:///etc/passwd"),
        404,
        "recording_not_found",
    ),
    "job for an address outside": (
        lambda g: g.minutes.submit_recording("http://169.254.169.254/latest/meta-data"),
        404,
        "recording_not_found",
    ),
    "job for a path that climbs": (
        lambda g: recording_url(g, g.minutes.session_id, g.alice.tenant_id, "recording-/../../x"),
        404,
        "recording_not_found",
    ),
    "job for a chunk": (
        lambda g: recording_url(g, g.minutes.session_id, g.alice.tenant_id, "0000002-" + "a" * 64),
        404,
        "recording_not_found",
    ),
    "job for a name no store can hold": (
        lambda g: recording_url(g, g.minutes.session_id, g.alice.tenant_id, "recording-ñ"),
        400,
        "object_key_refused",
    ),
    "job with an unknown engine": (
        lambda g: g.minutes.submit_recording(with_uploaded_recording(g.minutes), provider="oracle"),
        415,
        "unknown_engine",
    ),
    "job without a recording": (
        lambda g: g.minutes.api.post(f"{BASE}/jobs", {"session_id": g.minutes.session_id}, format="json"),
        400,
        "input_invalid",
    ),
    "job without a session": (
        lambda g: g.minutes.api.post(f"{BASE}/jobs", {"audio_url": "astra://audio/x"}, format="json"),
        400,
        "input_invalid",
    ),
    "job of an unknown session": (
        lambda g: g.minutes.api.post(
            f"{BASE}/jobs", {"session_id": str(uuid4()), "audio_url": "astra://audio/x"}, format="json"
        ),
        404,
        "session_not_found",
    ),
}
OTHERS: dict[str, tuple[Call, int, str]] = {
    "empty context": (lambda g: g.minutes.set_context(), 400, "context_empty"),
    "unknown context": (lambda g: g.minutes.set_context(mood="sad"), 400, "context_empty"),
    "zone that is no name": (lambda g: g.minutes.set_context(zone="{{ZONA}}"), 400, "input_invalid"),
    "restricted that is no yes or no": (lambda g: g.minutes.set_context(restricted="maybe"), 400, "input_invalid"),
    "speaker of 201 letters": (lambda g: g.minutes.set_context(speaker="a" * 201), 400, "input_invalid"),
    "gaps that are no yes or no": (lambda g: g.minutes.finalize(accept_gaps="perhaps"), 400, "input_invalid"),
    "page before the first": (
        lambda g: g.minutes.api.get(g.minutes.url("blocks"), {"first": -1}),
        400,
        "input_invalid",
    ),
    "page beyond every number": (
        lambda g: g.minutes.api.get(g.minutes.url("blocks"), {"first": 10**30}),
        400,
        "input_invalid",
    ),
    "page that is too long": (
        lambda g: g.minutes.api.get(g.minutes.url("blocks"), {"limit": 501}),
        400,
        "input_invalid",
    ),
    "audit report of an open session": (
        lambda g: g.minutes.api.get(g.minutes.url("audit-report")),
        409,
        "session_not_closed",
    ),
    "finalize of an empty session": (lambda g: Minutes.start(g.alice).finalize(), 409, "session_empty"),
    "an address that does not exist": (lambda g: g.minutes.api.get(g.minutes.url("secrets")), 404, "not_found"),
    "a session that is no id": (lambda g: g.minutes.api.get(f"{BASE}/session/014"), 404, "not_found"),
}
MAKES_SOMETHING_FIRST = frozenset(
    {
        "job for another session's recording",
        "job for another council's recording",
        "job with an unknown engine",
        "finalize of an empty session",
    }
)
GROUPS = {
    "start": STARTS,
    "append": APPENDS,
    "form": FORMS,
    "image": IMAGES,
    "recording": RECORDINGS,
    "other": OTHERS,
}


@pytest.mark.parametrize("group", GROUPS)
def test_bad_input_is_refused_and_changes_nothing(ground: Ground, group: str, subtests: pytest.Subtests) -> None:
    for name, (call, status, code) in GROUPS[group].items():
        before = world(ground.alice.tenant_id, ground.charlie.tenant_id)
        with subtests.test(name):
            assert_problem(call(ground), status, code)
            after = world(ground.alice.tenant_id, ground.charlie.tenant_id)
            looked_at = ["journal", "jobs"] if name in MAKES_SOMETHING_FIRST else list(before)
            assert {part: after[part] for part in looked_at} == {part: before[part] for part in looked_at}


def test_a_body_over_the_limit_is_refused_whatever_is_in_it(ground: Ground, settings: Settings) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1000
    before = world(ground.alice.tenant_id)
    assert_problem(ground.minutes.say(3, "a" * 2000), 413, "body_too_large")
    assert world(ground.alice.tenant_id) == before


def test_a_recording_over_the_limit_is_refused(ground: Ground, settings: Settings) -> None:
    settings.MAX_RECORDING_BYTES = 1000
    before = world(ground.alice.tenant_id)
    assert_problem(ground.minutes.upload_recording(WAV), 413, "recording_too_large")
    assert world(ground.alice.tenant_id) == before


def test_another_councils_skeleton_is_forbidden(ground: Ground) -> None:
    theirs = SkeletonFactory(tenant=ground.charlie.council, is_default=False)
    before = world(ground.alice.tenant_id)
    assert_problem(ground.start(skeleton_id=str(theirs.id)), 403, "skeleton_of_another_tenant")
    assert world(ground.alice.tenant_id) == before


def test_a_skeleton_without_a_version_can_not_be_used(ground: Ground) -> None:
    empty = SkeletonFactory(tenant=ground.alice.council, is_default=False)
    assert_problem(ground.start(skeleton_id=str(empty.id)), 404, "skeleton_not_published")


def test_two_files_under_one_name_are_one_input(ground: Ground) -> None:
    body = {"sequence_id": 3, "audio": [SimpleUploadedFile("a.wav", b"x"), SimpleUploadedFile("b.wav", WAV)]}
    answer = ground.post("append", body, format="multipart")
    assert answer.status_code == 202
    assert ground.minutes.kinds() == ["text", "audio", "audio"]


def test_an_unknown_session_is_not_found(alice: Person) -> None:
    nowhere = Minutes(client_for(alice), str(uuid4()))
    for answer in (nowhere.say(1, OPENING), nowhere.finalize(), nowhere.api.get(nowhere.url())):
        assert_problem(answer, 404, "session_not_found")
