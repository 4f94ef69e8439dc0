"""Sessions in the admin: what a council's people see, what each role may do, and what an outsider can't reach."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from astra_site.lib.object_store import object_store, read_download_token
from astra_site.lib.tenancy import all_tenants
from sessions_app.models import EntryKind, JournalRow, Session, State
from sessions_app.session_panels import PAGE_SIZE, journal_panel
from tenants.models import Role
from tests.browser.people import join, member, signed_in
from tests.people import Person
from tests.sessions.minutes_client import CLOSING, OPENING, VOTE, Minutes, finish_jobs
from tests.sessions.samples import png

pytestmark = pytest.mark.django_db(transaction=True)
LIST = "admin:sessions_app_session_changelist"
PAGE = "admin:sessions_app_session_change"
FINALIZE = "admin:sessions_app_session_finalize"
GET = "admin:sessions_app_session_get"
LISTS = ("blocks", "jobs", "journal", "details")


def page(client: Client, name: str, *args: object, **query: str) -> str:
    answer = client.get(reverse(name, args=args), query)
    assert answer.status_code == 200, answer
    return answer.content.decode()


@pytest.fixture
def minutes(alice: Person) -> Minutes:
    session = Minutes.start(alice)
    session.say(1, OPENING)
    session.say(2, VOTE)
    session.show_image(png(), caption="Luminarias")
    finish_jobs()
    return session


@pytest.fixture
def clerk(alice: Person) -> Client:
    return signed_in(member(alice.council, Role.CLERK))


@pytest.fixture
def viewer(alice: Person) -> Client:
    return signed_in(member(alice.council, Role.VIEWER))


@pytest.fixture
def outsider(charlie: Person) -> Client:
    return signed_in(member(charlie.council, Role.ADMIN))


def test_the_list_names_sessions_by_their_minutes_in_spanish(minutes: Minutes, viewer: Client) -> None:
    shown = page(viewer, LIST)
    assert "Acta 014" in shown
    assert "Abierta" in shown
    assert str(page(viewer, LIST, q="014")).count("Acta 014") == 1
    assert "Acta 014" not in page(viewer, LIST, q="no such number")
    assert "Acta 014" in page(viewer, LIST, state__exact="OPEN", mode__exact="batch")


def test_the_list_is_in_english_for_whoever_asks_for_it(minutes: Minutes, alice: Person) -> None:
    shown = page(signed_in(member(alice.council, Role.VIEWER), "en"), LIST)
    assert "Minutes 014" in shown
    assert "Open" in shown


@pytest.mark.parametrize("chosen", LISTS)
def test_every_list_of_the_detail_page_opens(minutes: Minutes, viewer: Client, chosen: str) -> None:
    expected = {"blocks": "Votación", "jobs": "Transcribir un fragmento", "journal": "Luminarias", "details": "Quibdó"}
    assert expected[chosen] in page(viewer, PAGE, minutes.session_id, list=chosen)


def test_a_page_of_the_journal_reads_that_page_only(
    minutes: Minutes, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    session = minutes.row()
    with all_tenants(reason="a test looks"):
        Session.objects.filter(pk=session.pk).update(journal_length=17_000)
        JournalRow.objects.bulk_create(
            JournalRow(
                tenant_id=session.tenant_id,
                session=session,
                number=number,
                kind=EntryKind.CONTEXT,
                payload={"speaker": f"Orador {number}", "topic": None, "zone": None, "restricted": False},
                sha256="sha256:" + "0" * 64,
                recorded_at=session.started_at,
            )
            for number in range(16_900, 17_001)
        )
        session = minutes.row()
        with django_assert_num_queries(1):
            panel = journal_panel(session, 2)
    assert [panel.rows[0][0], panel.rows[-1][0], len(panel.rows)] == [16_950, 16_901, PAGE_SIZE]
    assert (panel.page_count, panel.previous_page, panel.next_page) == (340, 1, 3)


@pytest.mark.parametrize("given", ["0", "-1", "x", "999", "9" * 30])
def test_an_odd_page_number_is_no_error(minutes: Minutes, viewer: Client, given: str) -> None:
    page(viewer, PAGE, minutes.session_id, list="journal", page=given)


def test_text_from_outside_is_text(alice: Person, viewer: Client) -> None:
    hostile = "<script>alert(1)</script>"
    minutes = Minutes.start(alice, metadata={"number": hostile, "kind": hostile})
    minutes.say(1, hostile)
    minutes.set_context(speaker=hostile)
    minutes.say(2, hostile)
    finish_jobs()
    for shown in (page(viewer, LIST), *(page(viewer, PAGE, minutes.session_id, list=name) for name in LISTS)):
        assert hostile not in shown


def test_a_clerk_finalizes_and_downloads(minutes: Minutes, clerk: Client) -> None:
    answer = clerk.post(reverse(FINALIZE, args=[minutes.session_id]), follow=True)
    assert "El acta se está elaborando" in answer.content.decode()
    finish_jobs()
    assert minutes.row().state == State.CLOSED
    shown = page(clerk, PAGE, minutes.session_id)
    assert "Descargar el documento" in shown
    for part in ("document", "evidence"):
        answer = clerk.get(reverse(GET, args=[minutes.session_id, part]))
        assert answer.status_code == 302
        bucket, key = read_download_token(answer["Location"].rpartition("/")[2])
        assert object_store().get(bucket, key).startswith(b"PK")
    report = clerk.get(reverse(GET, args=[minutes.session_id, "audit-report"])).json()
    assert report["schema"].startswith("astra.audit-report")
    assert "admin:clerk-quibdo" in [row.actor for row in minutes.journal()]


def test_the_page_says_what_a_session_waits_for(minutes: Minutes, clerk: Client) -> None:
    minutes.say(5, CLOSING)
    finish_jobs()
    shown = page(clerk, PAGE, minutes.session_id)
    assert "Faltan 2 números de secuencia: 3, 4" in " ".join(shown.split())
    clerk.post(reverse(FINALIZE, args=[minutes.session_id]))
    assert minutes.row().state == State.DRAINING
    clerk.post(reverse(FINALIZE, args=[minutes.session_id]), {"accept_gaps": "1"})
    finish_jobs()
    assert minutes.row().state == State.CLOSED


def test_finalizing_what_can_not_be_finalized_is_explained(alice: Person, clerk: Client) -> None:
    empty = Minutes.start(alice)
    answer = clerk.post(reverse(FINALIZE, args=[empty.session_id]), follow=True)
    assert "En esta sesión no se registró nada" in answer.content.decode()
    assert empty.row().state == State.OPEN


def test_nothing_is_downloaded_before_the_seal(minutes: Minutes, clerk: Client) -> None:
    for part in ("document", "evidence", "audit-report"):
        answer = clerk.get(reverse(GET, args=[minutes.session_id, part]), follow=True)
        assert "La sesión no está cerrada" in answer.content.decode()


def test_a_failed_session_says_why_and_is_tried_again(minutes: Minutes, clerk: Client) -> None:
    minutes.finalize()
    failure = {"step": "seal", "code": "object_store_unavailable", "message": "English"}
    with all_tenants(reason="a test breaks a session"):
        Session.objects.filter(pk=minutes.session_id).update(state=State.SEAL_FAILED, failure=failure)
    shown = page(clerk, PAGE, minutes.session_id)
    assert "Falló el paso «Sellar el acta»" in shown
    assert "El almacén de objetos no responde" in shown
    assert "Reintentar" in shown


def test_a_viewer_looks_and_does_nothing(minutes: Minutes, viewer: Client) -> None:
    assert "Finalizar" not in page(viewer, PAGE, minutes.session_id)
    assert viewer.post(reverse(FINALIZE, args=[minutes.session_id])).status_code == 403
    for action in ("finalize_sessions", "retry_sessions", "delete_selected"):
        viewer.post(reverse(LIST), {"action": action, "_selected_action": [minutes.session_id]})
    assert minutes.row().state == State.OPEN


def test_the_lists_actions_work_for_a_clerk(minutes: Minutes, clerk: Client) -> None:
    chosen = {"_selected_action": [minutes.session_id]}
    answer = clerk.post(reverse(LIST), {"action": "retry_sessions", **chosen}, follow=True)
    assert "No hay nada que hacer en el estado «Abierta»" in answer.content.decode()
    clerk.post(reverse(LIST), {"action": "finalize_sessions", **chosen})
    assert minutes.row().state != State.OPEN


def test_a_get_changes_nothing(minutes: Minutes, clerk: Client) -> None:
    assert clerk.get(reverse(FINALIZE, args=[minutes.session_id])).status_code == 405
    assert minutes.row().state == State.OPEN


def test_nobody_edits_or_deletes_a_session(minutes: Minutes) -> None:
    root = signed_in(User.objects.create_superuser("root", password="x"))
    for verb in ("change", "delete"):
        answer = root.post(reverse(f"admin:sessions_app_session_{verb}", args=[minutes.session_id]), {"post": "yes"})
        assert answer.status_code == 403
    assert root.get(reverse("admin:sessions_app_session_add")).status_code == 403


def test_an_outsider_reaches_nothing(minutes: Minutes, outsider: Client) -> None:
    assert "Acta 014" not in page(outsider, LIST)
    addresses = [
        reverse(PAGE, args=[minutes.session_id]),
        reverse("admin:sessions_app_session_history", args=[minutes.session_id]),
        reverse(GET, args=[minutes.session_id, "document"]),
        reverse(GET, args=[minutes.session_id, "audit-report"]),
    ]
    for address in addresses:
        answer = outsider.get(address)
        assert answer.status_code in (302, 403, 404)
        assert reverse("admin:index") == answer.get("Location", reverse("admin:index"))
    assert outsider.post(reverse(FINALIZE, args=[minutes.session_id])).status_code in (302, 403, 404)
    outsider.post(reverse(LIST), {"action": "finalize_sessions", "_selected_action": [minutes.session_id]})
    assert minutes.row().state == State.OPEN


def test_a_clerk_of_one_council_only_looks_at_another(minutes: Minutes, charlie: Person) -> None:
    user = member(charlie.council, Role.CLERK)
    join(user, minutes.row().tenant, Role.VIEWER)
    both = signed_in(user)
    shown = page(both, LIST)
    assert "Acta 014" in shown
    assert "Concejo Municipal de Quibdó" in shown
    assert both.post(reverse(FINALIZE, args=[minutes.session_id])).status_code == 403
    answer = both.post(
        reverse(LIST), {"action": "finalize_sessions", "_selected_action": [minutes.session_id]}, follow=True
    )
    assert "Su rol en este concejo no lo permite" in answer.content.decode()
    assert minutes.row().state == State.OPEN


def test_platform_staff_see_every_council_and_finalize_in_the_right_one(minutes: Minutes, charlie: Person) -> None:
    Minutes.start(charlie, metadata={"number": "099"})
    root = signed_in(User.objects.create_superuser("root", password="x"))
    shown = page(root, LIST)
    assert "Acta 014" in shown
    assert "Acta 099" in shown
    assert "Concejo Municipal de Tadó" in shown
    root.post(reverse(FINALIZE, args=[minutes.session_id]))
    finish_jobs()
    assert minutes.row().state == State.CLOSED


def test_a_stranger_is_sent_to_the_login(minutes: Minutes) -> None:
    for address in (reverse(PAGE, args=[minutes.session_id]), reverse(GET, args=[minutes.session_id, "document"])):
        assert Client().get(address)["Location"].startswith(reverse("admin:login"))
