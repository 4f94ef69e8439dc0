"""Closed minutes are corrected by a second session that names the first; both are proven, and stay."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
from django.db import connection

from astra_site.lib.object_store import Bucket, object_store
from astra_site.lib.tenancy import all_tenants
from astra_verify.about import about, heading
from astra_verify.bundle import open_bundle
from astra_verify.evidence import Evidence, Outside
from custody.models import HeldObject, Snapshot
from demo.judge import verify
from tests.people import Person, client_for
from tests.sessions.clerk import Clerk
from tests.sessions.minutes_client import CLOSING, DEBATE, OPENING, VOTE, Minutes, finish_jobs, world
from tests.sessions.problems import assert_problem
from tests.sessions.samples import FLAC, WAV, png
from tests.sessions.test_altered_in_the_store import overwritten
from tests.sessions.test_failures import path_of, without

pytestmark = pytest.mark.django_db(transaction=True)
HEIR = "El alcantarillado también."


def clone(minutes: Minutes, **fields: Any) -> Any:
    return minutes.api.post(minutes.url("clone"), fields, format="json")


def cloned(minutes: Minutes, **fields: Any) -> Clerk:
    answer = clone(minutes, **fields)
    assert answer.status_code in (200, 201), answer.content
    return Clerk(Minutes(minutes.api, answer.json()["session_id"]))


@pytest.fixture
def first(alice: Person) -> Minutes:
    """Closed minutes with text, audio, a gap, an image, a moved and a restricted block."""
    minutes = Minutes.start(alice)
    minutes.say(1, OPENING)
    minutes.send_audio(2, WAV)
    minutes.say(3, DEBATE)
    minutes.say(5, VOTE)
    minutes.show_image(png(), caption="Plano")
    finish_jobs()
    clerk = Clerk(minutes)
    clerk.do("3.0", "restrict", restricted=True)
    clerk.do("3.0", "move", before="1.0")
    minutes.close(accept_gaps=True)
    return minutes


def sealed_blocks(minutes: Minutes) -> list[dict[str, Any]]:
    blocks: list[dict[str, Any]] = minutes.dump()["blocks"]
    return blocks


def snapshot_of(minutes: Minutes) -> Snapshot:
    with all_tenants(reason="a test looks"):
        found: Snapshot = Snapshot.objects.get(session_id=minutes.session_id)
    return found


def held(minutes: Minutes) -> list[HeldObject]:
    with all_tenants(reason="a test looks"):
        return list(HeldObject.objects.filter(session_id=minutes.session_id).order_by("sha256"))


def evidence_of(minutes: Minutes, folder: Path) -> Path:
    snapshot = snapshot_of(minutes)
    place = folder / f"{snapshot.number}.zip"
    place.write_bytes(object_store().get(Bucket.DOCUMENTS, snapshot.evidence_key))
    return place


def is_proven(minutes: Minutes, folder: Path) -> bool:
    """Verify the evidence with the key that is inside: whose key it is, is not asked here."""
    evidence = evidence_of(minutes, folder)
    with ZipFile(evidence) as files:
        keys = folder / "keys.json"
        keys.write_bytes(files.read("public_keys.json"))
    holds, steps = verify(evidence, keys)
    assert holds, steps
    return holds


def test_a_correction_begins_as_the_closed_minutes_were(first: Minutes) -> None:
    answer = clone(first)
    assert answer.status_code == 201
    shown = answer.json()
    assert (shown["state"], shown["parent_session_id"]) == ("OPEN", first.session_id)
    assert shown["parent_snapshot_id"] == str(snapshot_of(first).id)
    of_first = first.show()
    same = ("mode", "client_timezone", "metadata", "started_at", "pinned", "highest_sequence_id")
    assert {name: shown[name] for name in same} == {name: of_first[name] for name in same}
    assert shown["drain"]["missing_count"] == shown["drain"]["pending_count"] == 0
    clerk = Clerk(Minutes(first.api, shown["session_id"]))
    now = [{name: value for name, value in block.items() if name != "revision"} for block in clerk.minutes.blocks()]
    assert now == sealed_blocks(first)
    assert set(clerk.minutes.kinds()) == {"inherited"}


def test_the_correction_is_corrected_continued_sealed_and_names_the_first(first: Minutes, tmp_path: Path) -> None:
    before = first.document()
    clerk = cloned(first)
    second = clerk.minutes
    clerk.do("5.0", "retype", data={"in_favour": 13})
    clerk.do("1.0", "edit", text="Se abre la sesión extraordinaria.")
    second.say(6, HEIR)
    second.send_audio(7, FLAC)
    finish_jobs()
    clerk.do("6.0", "move", after="3.0")
    second.close()
    text = second.document_text()
    assert "Se abre la sesión extraordinaria." in text
    assert HEIR in text
    assert "no se recibió su audio" in text
    assert second.dump()["missing"] == [[4, 4]]
    assert clerk.ids()[:2] == ["3.0", "6.0"]
    assert snapshot_of(second).parent_snapshot_id == snapshot_of(first).id
    assert first.document() == before
    assert is_proven(first, tmp_path)
    assert is_proven(second, tmp_path)
    report = second.api.get(second.url("audit-report")).json()
    assert report["seal"]["parent_snapshot_id"] == str(snapshot_of(first).id)
    assert report["session"]["parent_session_id"] == first.session_id
    assert first.show()["delivery"]["integrity_hash"] == snapshot_of(first).integrity_hash


def test_recordings_are_held_once_though_the_first_ones_are_gone(first: Minutes, tmp_path: Path) -> None:
    second = cloned(first).minutes
    audio = next(row for row in first.journal() if row.kind == "audio")
    with without(path_of(Bucket.AUDIO, audio.audio_key)):
        second.close()
    (of_first,), (of_second,) = held(first), held(second)
    assert (of_second.worm_key, of_second.sha256) == (of_first.worm_key, of_first.sha256)
    assert of_second.retained_until >= of_first.retained_until
    assert of_second.verified_at > of_first.verified_at
    assert len(list(object_store().iter_keys(Bucket.WORM, str(first.row().tenant_id)))) == 1
    assert is_proven(second, tmp_path)


def test_a_recording_that_was_replaced_in_custody_is_not_sealed_again(first: Minutes) -> None:
    second = cloned(first).minutes
    (of_first,) = held(first)
    path = path_of(Bucket.WORM, of_first.worm_key)
    path.chmod(0o644)
    with overwritten(path, WAV[:-2] + b"\x00\x01"):
        second.finalize()
        finish_jobs()
        assert second.show()["failure"]["code"] == "worm_copy_differs"
    second.finalize()
    finish_jobs()
    assert second.show()["state"] == "CLOSED"


def test_the_same_name_is_the_same_correction(first: Minutes) -> None:
    made = clone(first, clone_id="v2")
    again = first.api.post(first.url("clone"), {}, format="json", headers={"Idempotency-Key": "v2"})
    assert (made.status_code, again.status_code) == (201, 200)
    assert again.json()["session_id"] == made.json()["session_id"]
    second = Minutes(first.api, made.json()["session_id"])
    second.close()
    assert clone(first, clone_id="v2").json()["session_id"] == second.session_id


def test_one_correction_at_a_time(first: Minutes) -> None:
    second = cloned(first).minutes
    for fields in ({}, {"clone_id": "another"}):
        refused = clone(first, **fields)
        assert_problem(refused, 409, "clone_open")
        assert refused.json()["details"]["session_id"] == second.session_id
    second.close()
    assert cloned(first).minutes.session_id != second.session_id


def at_once(minutes: Minutes, person: Person, names: list[str | None]) -> list[Any]:
    """Clone on one thread for each name."""

    def one(name: str | None) -> Any:
        try:
            return clone(Minutes(client_for(person), minutes.session_id), **({"clone_id": name} if name else {}))
        finally:
            connection.close()

    with ThreadPoolExecutor(len(names)) as pool:
        return list(pool.map(one, names, timeout=60.0))


def test_of_many_at_once_one_correction_is_made(first: Minutes, alice: Person) -> None:
    assert sorted(answer.status_code for answer in at_once(first, alice, [None, "a", "b", "c"])) == [201, 409, 409, 409]


def test_one_wish_sent_by_many_makes_one_correction(first: Minutes, alice: Person) -> None:
    answers = at_once(first, alice, ["v2"] * 4)
    assert sorted(answer.status_code for answer in answers) == [200, 200, 200, 201]
    assert len({answer.json()["session_id"] for answer in answers}) == 1


def test_a_correction_can_be_corrected(first: Minutes, tmp_path: Path) -> None:
    clerk = cloned(first)
    piece = clerk.do("1.0", "split", at=OPENING.index("se abre"))["blocks"][1]["block_id"]
    clerk.minutes.send_audio(6, FLAC)
    clerk.minutes.show_image(png(colour="red"))
    clerk.minutes.close()
    third = cloned(clerk.minutes)
    assert third.block(piece)["text"].startswith("se abre")
    other = third.do("1.0", "split", at=12)["blocks"][1]["block_id"]
    assert other != piece
    third.minutes.say(7, CLOSING)
    third.minutes.show_image(png(colour="green"))
    third.minutes.close()
    assert len(third.minutes.dump()["assets"]) == 3
    assert snapshot_of(third.minutes).parent_snapshot_id == snapshot_of(clerk.minutes).id
    assert len(held(third.minutes)) == 2
    assert is_proven(third.minutes, tmp_path)


def test_an_untouched_correction_is_the_same_minutes(first: Minutes) -> None:
    second = cloned(first).minutes
    second.close()
    assert second.document_text() == first.document_text()
    assert second.dumped_blocks() == first.dumped_blocks()


def test_the_numbers_of_the_first_are_taken_the_missing_ones_too(first: Minutes) -> None:
    second = cloned(first).minutes
    for number in (1, 2, 4, 5):
        refused = second.say(number, CLOSING)
        assert_problem(refused, 409, "sequence_inherited")
        assert refused.json()["details"]["through_sequence_id"] == 5
    assert second.say(8, CLOSING).status_code == 202
    assert second.show()["drain"]["missing"] == [6, 7]
    assert second.finalize().json()["drain"]["missing"] == [6, 7]
    second.say(6, DEBATE)
    second.say(7, DEBATE)
    second.close()
    assert [block["sequence_id"] for block in second.dump()["blocks"]][-3:] == [6, 7, 8]


def test_time_goes_on_where_the_first_ended(first: Minutes) -> None:
    second = cloned(first).minutes
    second.send_audio(6, FLAC)
    finish_jobs()
    ends = [
        row.payload["after"]["session_end_ms"] for row in (*first.journal(), *second.journal()) if row.kind == "blocks"
    ]
    assert ends[-1] == ends[-2] + 700 == 1400


def test_the_image_of_the_first_is_known(first: Minutes) -> None:
    second = cloned(first).minutes
    again = second.show_image(png())
    assert (again.status_code, again.json()["repeated"]) == (200, True)
    new = second.show_image(png(colour="red"), after_sequence_id=5)
    assert new.status_code == 201
    assert len({block["block_id"] for block in second.blocks() if block["type"] == "IMAGE"}) == 2
    second.close()


def test_pending_audio_can_be_typed_in_the_correction(alice: Person) -> None:
    minutes = Minutes.start(alice)
    minutes.say(1, OPENING)
    minutes.send_audio(2, WAV)
    with without(path_of(Bucket.AUDIO, minutes.journal()[1].audio_key)):
        finish_jobs()
        minutes.finalize()
        finish_jobs()
    minutes.finalize()
    finish_jobs()
    assert minutes.show()["state"] == "CLOSED"
    clerk = cloned(minutes)
    assert clerk.block("2.0")["type"] == "AUDIO_PENDING"
    clerk.do("2.0", "edit", text="Se oye el himno.")
    clerk.minutes.close()
    assert "Se oye el himno." in clerk.minutes.document_text()


def test_a_dump_that_is_not_the_sealed_one_is_not_cloned(first: Minutes, alice: Person) -> None:
    path = path_of(Bucket.DOCUMENTS, first.row().dump_key)
    other = path.read_bytes().replace(b'"in_favour":14', b'"in_favour":15')
    before = world(alice.tenant_id)
    for changed in (overwritten(path, other), without(path)):
        with changed:
            assert_problem(clone(first), 409, "dump_altered")
    assert world(alice.tenant_id) == before
    assert clone(first).status_code == 201


def test_only_closed_minutes_are_cloned(alice: Person) -> None:
    minutes = Minutes.start(alice)
    minutes.say(1, OPENING)
    assert_problem(clone(minutes), 409, "session_not_closed")
    minutes.say(3, OPENING)
    minutes.finalize()
    refused = clone(minutes)
    assert_problem(refused, 409, "session_not_closed")
    assert refused.json()["details"]["state"] == "DRAINING"


def test_the_outsider_and_the_reader_clone_nothing(first: Minutes, alice: Person, charlie: Person) -> None:
    before = world(alice.tenant_id, charlie.tenant_id)
    assert_problem(clone(Minutes(client_for(charlie), first.session_id)), 403, "session_of_another_tenant")
    reader = Minutes(client_for(alice, "sessions:read"), first.session_id)
    assert clone(reader).status_code == 403
    assert world(alice.tenant_id, charlie.tenant_id) == before


def test_a_name_has_a_length(first: Minutes) -> None:
    assert [clone(first, clone_id=name).status_code for name in ("x" * 65, "", "a\x00b")] == [400] * 3


def test_the_evidence_tells_what_is_corrected(first: Minutes, tmp_path: Path) -> None:
    second = cloned(first).minutes
    second.close()
    evidence = evidence_of(second, tmp_path)
    with ZipFile(evidence) as files:
        header = json.loads(files.read("journal.jsonl").splitlines()[0])
    assert header["kind"] == "inherited"
    assert header["payload"]["parent_integrity_hash"] == snapshot_of(first).integrity_hash
    assert header["actor"] == "alice"
    told = about(Evidence(open_bundle(evidence), Outside()))
    assert told["corrects_snapshot"] == str(snapshot_of(first).id)
    assert f"  corrects the snapshot: {told['corrects_snapshot']}" in heading(told)
