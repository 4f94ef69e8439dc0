"""An outsider on every address of the site that names a session or a job.

The addresses are read from the resolver: a new one is tried as soon as it exists, and one whose parameters this test
does not know how to fill fails it until somebody says how.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from django.urls import URLPattern, URLResolver, get_resolver

from tests.people import Person, client_for
from tests.sessions.minutes_client import BASE, OPENING, Minutes, finish_jobs, send_body, world
from tests.sessions.problems import assert_problem
from tests.sessions.samples import WAV, png

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
    before = world(alice.tenant_id, charlie.tenant_id)
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
    assert world(alice.tenant_id, charlie.tenant_id) == before


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
