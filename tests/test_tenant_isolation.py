"""An outsider at every door: HTTP addresses, admin pages, sockets, gRPC methods.

They are read from the product (resolver, router, the running gRPC server): a new one is tried as soon as it exists, and
one whose parameters this test does not know how to fill fails it until somebody says how. Everything is tried twice:
as it is, and with the application's own scoping switched off, so that the database's wall stands alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import grpc
import pytest
from django.urls import URLPattern, URLResolver, get_resolver

from astra_site.lib.tenancy import tenant_scope
from tenants.models import Adapter, RegisteredModel, Resource, Role
from tenants.quota.services import top_up
from tenants.registry.services import activate_model
from tenants.rpc.generated import config_pb2
from tenants.rpc.generated.config_pb2_grpc import TenantConfigServiceStub
from tests.browser.people import member, signed_in
from tests.isolation.admin_pages import Page, every_page
from tests.isolation.calls import every_rpc, every_socket
from tests.isolation.walls import rows_of, take_the_first_wall_down, take_the_second_wall_down
from tests.people import Person, client_for
from tests.realtime.live_server import serving as serving_sockets
from tests.realtime.talk import talking
from tests.realtime.waiting import nothing_is_open, wait_for_threads, wait_until
from tests.rpc.serving import TIMEOUT_S, bearer, refused
from tests.rpc.serving import serving as serving_grpc
from tests.sessions.minutes_client import BASE, OPENING, Minutes, finish_jobs, send_body, world
from tests.sessions.problems import assert_problem
from tests.sessions.samples import WAV, png
from tests.tenants.api_client import Program

pytestmark = pytest.mark.django_db(transaction=True)
PARAMETERS = frozenset({"session_id", "job_id", "block_id", "tenant_id", "number"})
NOT_OF_A_TENANT = frozenset({"", "health/live", "health/ready", "openapi.json", "docs"})
ELSEWHERE_TESTED = ("admin/", "i18n/", "oidc/", "objects/<str:token>", "v1/oauth/")
METHODS = ("get", "post", "put", "patch", "delete")
BODIES: dict[str, dict[str, Any]] = {
    "append": {"sequence_id": 9, "text": OPENING},
    "chunk": {"sequence_id": 9, "text": OPENING},
    "current-context": {"speaker": "x"},
    "edit": {"revision": 3, "text": "x"},
    "split": {"revision": 3, "at": 7},
    "merge": {"revision": 3, "other_block_id": "1.1", "other_revision": 3},
    "move": {"revision": 3, "after": "1.1"},
    "retype": {"revision": 3, "intent": "DEBATE"},
    "restrict": {"revision": 3, "restricted": True},
}


def addresses(resolver: URLResolver, prefix: str = "") -> Iterator[tuple[str, URLPattern]]:
    for entry in resolver.url_patterns:
        route = prefix + str(entry.pattern)
        if isinstance(entry, URLResolver):
            yield from addresses(entry, route)
        else:
            yield route, entry


ROUTES = [
    (route, pattern)
    for route, pattern in addresses(get_resolver())
    if route not in NOT_OF_A_TENANT and not route.startswith(ELSEWHERE_TESTED)
]
OBJECT_ROUTES = sorted({route for route, pattern in ROUTES if pattern.pattern.converters})
LIST_ROUTES = sorted({route for route, pattern in ROUTES if not pattern.pattern.converters})


@pytest.fixture(autouse=True, params=["both walls", "the second wall alone"])
def _walls(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param != "both walls":
        take_the_first_wall_down(monkeypatch)


@pytest.fixture
def minutes(alice: Person) -> Minutes:
    """A closed session of Alice's."""
    minutes = Minutes.start(alice)
    minutes.say(1, OPENING)
    minutes.show_image(png())
    minutes.close()
    return minutes


@pytest.fixture
def open_minutes(alice: Person) -> Minutes:
    minutes = Minutes.start(alice)
    minutes.say(1, OPENING)
    return minutes


def filled(route: str, minutes: Minutes) -> str:
    job_id = minutes.jobs()[0].id
    return "/" + with_objects(route, minutes.session_id, str(job_id), str(minutes.row().tenant_id))


def with_objects(route: str, session_id: str, job_id: str, tenant_id: str) -> str:
    named = {
        "<uuid:session_id>": session_id,
        "<uuid:job_id>": job_id,
        "<uuid:tenant_id>": tenant_id,
        "<str:block_id>": "1.0",
        "<int:number>": "1",
    }
    for parameter, value in named.items():
        route = route.replace(parameter, value)
    return route


def codes(route: str) -> tuple[str, str]:
    """What an outsider is told of an object, and what of one that does not exist."""
    if "tenant_id" in route:
        return "config_of_another_tenant", "tenant_not_found"
    kind = "job" if "job_id" in route else "session"
    return f"{kind}_of_another_tenant", f"{kind}_not_found"


def test_this_test_knows_every_parameter() -> None:
    unknown = {
        f"{route}: {name}" for route, pattern in ROUTES for name in pattern.pattern.converters if name not in PARAMETERS
    }
    assert not unknown, "Say in this test how to fill these parameters, so that the address is tried as an outsider."


def test_every_address_without_an_object_is_known() -> None:
    assert set(LIST_ROUTES) == {"v1/orchestrator/session/start", "v1/orchestrator/jobs"}


def attempt(person: Person, method: str, address: str) -> Any:
    """Call as a client would; upload addresses get a file, and the others a body that would be right."""
    verb = address.rsplit("/", 1)[-1]
    client = client_for(person)
    call = getattr(client, method)
    if method == "get":
        return call(address)
    if verb == "upload-asset":
        return call(address, {"caption": "x"}, format="multipart")
    if verb == "recording":
        return send_body(client, method.upper(), address, WAV, "audio/wav")
    return call(address, BODIES.get(verb, {}), format="json")


def test_an_outsider_gets_403_on_every_method_of_every_address(
    minutes: Minutes, open_minutes: Minutes, alice: Person, charlie: Person, subtests: pytest.Subtests
) -> None:
    before = world(alice.tenant_id, charlie.tenant_id), rows_of(alice.tenant_id)
    allowed = 0
    for route in OBJECT_ROUTES:
        for target in (minutes, open_minutes):
            for method in METHODS:
                with subtests.test(route=route, method=method):
                    answer = attempt(charlie, method, filled(route, target))
                    if answer.status_code == 405:
                        continue
                    allowed += 1
                    if answer.status_code == 400 and route.endswith("upload-asset"):
                        answer = Minutes(client_for(charlie), target.session_id).show_image(png())
                    assert_problem(answer, 403, codes(route)[0])
    assert allowed >= 2 * len(OBJECT_ROUTES)
    assert (world(alice.tenant_id, charlie.tenant_id), rows_of(alice.tenant_id)) == before


def test_an_unknown_object_is_404_on_every_address(charlie: Person, subtests: pytest.Subtests) -> None:
    nothing = str(uuid4())
    for route in OBJECT_ROUTES:
        address = "/" + with_objects(route, nothing, nothing, nothing)
        for method in METHODS:
            with subtests.test(route=route, method=method):
                answer = attempt(charlie, method, address)
                if answer.status_code not in (405, 400):
                    assert_problem(answer, 404, codes(route)[1])


def test_lists_show_an_outsider_nothing(minutes: Minutes, charlie: Person) -> None:
    client = client_for(charlie)
    assert client.get(f"{BASE}/jobs").json()["results"] == []
    assert client.get(f"{BASE}/jobs", {"session_id": minutes.session_id}).json()["results"] == []


def test_an_outsider_can_not_submit_a_job_to_a_session(open_minutes: Minutes, charlie: Person) -> None:
    audio_url = open_minutes.upload_recording(WAV).json()["audio_url"]
    theirs = Minutes(client_for(charlie), open_minutes.session_id)
    assert_problem(theirs.submit_recording(audio_url), 403, "session_of_another_tenant")


def test_a_colleague_of_the_same_council_may(open_minutes: Minutes, bob: Person) -> None:
    colleague = Minutes(client_for(bob), open_minutes.session_id)
    assert colleague.say(2, OPENING).status_code == 202
    finish_jobs()
    colleague.close()
    assert [row.actor for row in colleague.journal() if row.kind in ("text", "finalize")] == ["alice", "bob", "bob"]


def test_with_both_walls_down_the_outsider_gets_in(
    minutes: Minutes, charlie: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So the other tests would notice."""
    take_the_first_wall_down(monkeypatch)
    take_the_second_wall_down(monkeypatch)
    assert client_for(charlie).get(minutes.url()).status_code == 200
    assert client_for(charlie).get(f"{BASE}/jobs").json()["results"] != []


# -- The admin ----------------------------------------------------------------------------------------------------


@pytest.fixture
def admin_pages(minutes: Minutes, alice: Person) -> list[Page]:
    """Every page of the admin, about what Alice's council has."""
    spoken = Minutes.start(alice)
    spoken.send_audio(1, WAV)
    finish_jobs()
    spoken.close()
    with tenant_scope(alice.tenant_id):
        top_up(alice.tenant_id, Resource.AI_MS, 1000, actor="a", note="a test")
        adapter = Adapter.objects.create(code="A1", base_model="core-1", address="a", sha256=f"sha256:{'0' * 64}")
        model = RegisteredModel.objects.create(engine="whisper", name="large")
        activate_model(model, adapter, user=None, note="")
    Program(alice)
    return list(every_page(alice, member(alice.council, Role.ADMIN, "alicia")))


def test_the_admin_shows_and_does_nothing_of_another_council(
    admin_pages: list[Page], alice: Person, charlie: Person, subtests: pytest.Subtests
) -> None:
    """An object's pages answer as for an object that does not exist; the others don't speak of the council."""
    outsider = member(charlie.council, Role.ADMIN, "carlos")
    before = rows_of(alice.tenant_id)
    secrets = ("quibdo", "Quibd", "alicia", str(alice.tenant_id), OPENING[:30])
    for page in admin_pages:
        for method in ("get", "post"):
            with subtests.test(page=page.address, method=method):
                answer = getattr(signed_in(outsider), method)(page.address, {"post": "yes"} if method == "post" else {})
                if page.key is not None:
                    assert answer.status_code in (301, 302, 403, 404, 405)
                told = b"".join(answer) if answer.streaming else answer.content
                where = answer.headers.get("Location", "")
                shown = [text for text in secrets if text in told.decode().replace(page.address, "")]
                assert shown == []
                assert where == "" or where.startswith(("/admin/", "../", "/accounts/")) or page.key in where
    assert rows_of(alice.tenant_id) == before


def test_the_admins_actions_do_nothing_to_another_council(
    admin_pages: list[Page], alice: Person, charlie: Person, subtests: pytest.Subtests
) -> None:
    outsider = member(charlie.council, Role.ADMIN, "carlos")
    before, tried = rows_of(alice.tenant_id), 0
    lists = {page.model_admin: page.key for page in admin_pages if page.model_admin and page.key}
    for model_admin, key in lists.items():
        opts = model_admin.model._meta
        address = f"/admin/{opts.app_label}/{opts.model_name}/"
        for action in ("delete_selected", *map(action_name, model_admin.actions or ())):
            with subtests.test(page=address, action=action):
                signed_in(outsider).post(address, {"action": action, "_selected_action": [key], "post": "yes"})
                tried += 1
    assert tried > len(lists)
    assert rows_of(alice.tenant_id) == before


def action_name(action: Any) -> str:
    return action if isinstance(action, str) else str(action.__name__)


# -- Sockets and gRPC ---------------------------------------------------------------------------------------------


def test_an_outsider_gets_no_socket(minutes: Minutes, open_minutes: Minutes, alice: Person, charlie: Person) -> None:
    sockets = list(every_socket())
    assert sockets
    before = rows_of(alice.tenant_id)
    with serving_sockets() as live:
        for route, parameters in sockets:
            assert parameters == {"session_id"}, "Say in this test how to fill these, so that the socket is tried."
            kind = route.rsplit("/", 1)[-1]
            assert route == f"ws/v1/session/<uuid:session_id>/{kind}"
            for target in (minutes, open_minutes):
                with talking(live, target.session_id, charlie.token(), kind=kind) as talk:
                    code, reason, heard = talk.end()
                assert (code, reason) == (4403, "session_of_another_tenant")
                assert [frame["code"] for frame in heard] == ["session_of_another_tenant"]
        wait_until(nothing_is_open)
        wait_for_threads()
    assert rows_of(alice.tenant_id) == before


WITHOUT_OBJECT = {"/astra.session.v1.SessionService/Start", "/astra.tenants.v1.TenantConfigService/GetConfig"}
"""Methods that name no session; the configuration's is asked for another tenant in `tests/rpc/test_config_service.py`
and below."""


def test_an_outsider_gets_403_from_every_method_of_grpc(
    minutes: Minutes, open_minutes: Minutes, alice: Person, charlie: Person, subtests: pytest.Subtests
) -> None:
    before = rows_of(alice.tenant_id)
    with serving_grpc() as server, grpc.insecure_channel(server.target) as channel:
        rpcs = list(every_rpc(channel))
        assert {rpc.name for rpc in rpcs if rpc.request_about("x") is None} == WITHOUT_OBJECT
        for rpc in rpcs:
            for target in (minutes, open_minutes):
                request = rpc.request_about(target.session_id)
                if request is not None:
                    with (
                        subtests.test(rpc=rpc.name),
                        refused("session_of_another_tenant", grpc.StatusCode.PERMISSION_DENIED),
                    ):
                        rpc.call(channel, charlie.token(), request)
    assert rows_of(alice.tenant_id) == before


def test_an_outsider_gets_no_configuration_over_grpc(alice: Person, charlie: Person) -> None:
    with serving_grpc() as server, grpc.insecure_channel(server.target) as channel:
        stub = TenantConfigServiceStub(channel)
        request = config_pb2.GetConfigRequest(tenant_id=str(alice.tenant_id))
        stub.GetConfig(request, metadata=bearer(alice.token()), timeout=TIMEOUT_S)  # it is in memory now
        with refused("config_of_another_tenant", grpc.StatusCode.PERMISSION_DENIED):
            stub.GetConfig(request, metadata=bearer(charlie.token()), timeout=TIMEOUT_S)
