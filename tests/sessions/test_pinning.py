"""What a session pinned at its start stays, whatever is published while it runs."""

from __future__ import annotations

import io
import zipfile
from typing import Any

import pytest
from django.test import override_settings
from docx import Document

from astra_site.lib.tenancy import tenant_scope
from demo.recorded_session import RecordedSession
from tenants.models import Skeleton
from tests.factories.tenants import CONFIG, SKELETON_DOCX, ConfigVersionFactory, SkeletonVersionFactory
from tests.people import Person, client_for
from tests.sessions.minutes_client import BASE, CLOSING, DEBATE, OPENING, START, VOTE, Minutes, finish_jobs
from tests.sessions.problems import assert_problem

pytestmark = pytest.mark.django_db(transaction=True)


def changed_skeleton(marker: str) -> bytes:
    """The demonstration skeleton with a visible mark in its running text."""
    target = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(SKELETON_DOCX)) as source, zipfile.ZipFile(target, "w") as copy:
        for item in source.infolist():
            content = source.read(item)
            if item.filename == "word/document.xml":
                paragraph = f"<w:p><w:r><w:t>{marker}</w:t></w:r></w:p><w:sectPr".encode()
                head, _, tail = content.rpartition(b"<w:sectPr")
                content = head + paragraph + tail
            copy.writestr(item, content)
    return target.getvalue()


def body_of(docx: bytes) -> str:
    with zipfile.ZipFile(io.BytesIO(docx)) as document:
        return document.read("word/document.xml").decode()


def publish_again(person: Person) -> None:
    with tenant_scope(person.tenant_id):
        skeleton = Skeleton.objects.get()
    SkeletonVersionFactory(skeleton=skeleton, docx=changed_skeleton("SEGUNDA VERSIÓN"))
    zones = {**CONFIG["zone_map"], "TPL_APERTURA": "ZONA_CIERRE"}
    ConfigVersionFactory(tenant=person.council, zone_map=zones, entity_dictionary={"sesión": "reunión"})


@pytest.mark.parametrize("moment", ["before the first input", "before understanding", "before finalizing"])
def test_a_running_session_keeps_its_configuration_and_skeleton(alice: Person, moment: str) -> None:
    reference = Minutes.start(alice)
    reference.say(1, OPENING)
    reference.close()
    minutes = Minutes.start(alice)
    pinned = minutes.show()["pinned"]
    if moment == "before the first input":
        publish_again(alice)
    minutes.say(1, OPENING)
    if moment == "before understanding":
        publish_again(alice)
    finish_jobs()
    if moment == "before finalizing":
        publish_again(alice)
    closed = minutes.close()
    assert closed["pinned"] == pinned
    assert minutes.dumped_blocks() == reference.dumped_blocks()
    assert minutes.dump()["config"] == reference.dump()["config"]
    assert "SEGUNDA" not in body_of(minutes.document())


def test_the_next_session_gets_what_was_published(alice: Person) -> None:
    before = Minutes.start(alice).show()["pinned"]
    publish_again(alice)
    minutes = Minutes.start(alice)
    minutes.say(1, OPENING)
    closed = minutes.close()
    assert closed["pinned"]["config_version"] == before["config_version"] + 1
    assert closed["pinned"]["skeleton_version"] == before["skeleton_version"] + 1
    assert closed["pinned"]["skeleton_id"] == before["skeleton_id"]
    assert "SEGUNDA VERSIÓN" in body_of(minutes.document())
    block = minutes.dump()["blocks"][0]
    assert block["target_placeholder"] == "ZONA_CIERRE"
    assert "reunión" in block["text"]


def test_publishing_the_same_again_makes_no_version(alice: Person) -> None:
    before = Minutes.start(alice).show()["pinned"]
    with tenant_scope(alice.tenant_id):
        SkeletonVersionFactory(skeleton=Skeleton.objects.get())
    ConfigVersionFactory(tenant=alice.council)
    assert Minutes.start(alice).show()["pinned"] == before


def test_a_running_session_keeps_its_engine(alice: Person) -> None:
    minutes = Minutes.start(alice)
    engine = minutes.show()["pinned"]["engine"]
    with override_settings(DEFAULT_ENGINE="whisper:/nowhere/another-model"):
        minutes.send_audio(1, RecordedSession().chunks()[0].wav)
        finish_jobs()
        assert Minutes.start(alice).show()["pinned"]["engine"] == "whisper:another-model"
    assert minutes.show()["pinned"]["engine"] == engine
    assert {block["status"] for block in minutes.blocks()} == {"READY"}


def test_a_skeleton_that_the_configuration_does_not_fit_starts_no_session(alice: Person) -> None:
    with tenant_scope(alice.tenant_id):
        other = Skeleton.objects.create(tenant=alice.council, code="OTRO", name="Otro")
    SkeletonVersionFactory(skeleton=other, docx=without_placeholders())
    answer = client_for(alice).post(f"{BASE}/session/start", {**START, "skeleton_id": str(other.id)}, format="json")
    assert_problem(answer, 400, "config_does_not_fit_skeleton")


def without_placeholders() -> bytes:
    """A Word document with nothing to fill."""
    target = io.BytesIO()
    Document().save(target)
    return target.getvalue()


def test_the_document_is_what_the_old_version_gives_whatever_is_changed(alice: Person) -> None:
    """Every part of the configuration is another one when the minutes are made; none of it reaches them."""
    said = (OPENING, "Tiene la palabra el concejal Jhon Mosquera.", DEBATE, VOTE, CLOSING)
    reference = speak(alice, said[:2], said[2:])
    minutes = Minutes.start(alice)
    speak_into(minutes, 1, said[:2])
    with tenant_scope(alice.tenant_id):
        SkeletonVersionFactory(skeleton=Skeleton.objects.get(), docx=changed_skeleton("SEGUNDA VERSIÓN"))
    everything = changed_in_every_part()
    assert {path for path in CONFIG if CONFIG[path] == everything.get(path)} == {"schema"}
    ConfigVersionFactory(tenant=alice.council, **everything)
    speak_into(minutes, 3, said[2:])
    minutes.close()
    assert minutes.dumped_blocks() == reference.dumped_blocks()
    assert minutes.dump()["config"] == reference.dump()["config"]
    assert minutes.document_text() == reference.document_text()


def changed_in_every_part() -> dict[str, Any]:
    """A configuration that fits the skeleton and is another one in each member."""
    vote = CONFIG["table_map"]["VOTE"]
    return {
        **CONFIG,
        "templates": {name: {"label": f"{spec['label']} (nueva)"} for name, spec in CONFIG["templates"].items()},
        "intents": {"VOTE": {"template_id": "TPL_VARIOS", "label": "Decisión"}},
        "zone_map": dict.fromkeys(CONFIG["zone_map"], "ZONA_CIERRE"),
        "default_zone": "ZONA_DEBATE",
        "table_map": {"VOTE": {**vote, "columns": {"ASUNTO": "result"}}},
        "field_map": {"CIUDAD": "metadata.number"},
        "style_map": {"SPEECH": "Título de punto"},
        "image_zone": "ZONA_CIERRE",
        "entity_dictionary": {"abierta": "cerrada", "sesión": "reunión"},
        "members": ["Otra Persona"],
        "hotwords": ["Otra"],
    }


def speak(person: Person, *parts: tuple[str, ...]) -> Minutes:
    minutes = Minutes.start(person)
    number = 1
    for part in parts:
        speak_into(minutes, number, part)
        number += len(part)
    minutes.close()
    return minutes


def speak_into(minutes: Minutes, number: int, texts: tuple[str, ...]) -> None:
    for offset, text in enumerate(texts):
        minutes.say(number + offset, text)
    finish_jobs()
