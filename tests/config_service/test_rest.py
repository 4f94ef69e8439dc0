"""The configuration over HTTP: the bytes that were hashed, not sent again to who has them."""

from __future__ import annotations

from typing import Any

import pytest
from pytest_django import DjangoAssertNumQueries

from astra_site.embedded import RedisServer
from astra_site.lib.hashing import Sha256, canonical_json
from tenants.config_service.reader import ConfigReader
from tenants.models import Tenant
from tests.config_service.ground import publish
from tests.factories.tenants import TenantFactory
from tests.people import Person, client_for
from tests.sessions.problems import assert_problem
from tests.waiting import until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("own_reader")]


def ask(person: Person, council: Tenant, number: int | None = None, **headers: str) -> Any:
    address = f"/v1/tenants/{council.id}/config" + ("" if number is None else f"/{number}")
    return client_for(person).get(address, headers=headers)


def test_the_body_is_what_the_tag_is_the_hash_of(council: Tenant, alice: Person) -> None:
    second = publish(council, "second")
    newest, first = ask(alice, council), ask(alice, council, 1)
    for answer, number in ((newest, 2), (first, 1)):
        assert answer.status_code == 200
        assert answer.headers["Content-Type"] == "application/json"
        assert answer.headers["Astra-Config-Version"] == str(number)
        assert answer.headers["ETag"] == f'"{Sha256.of(answer.content)}"'
    assert newest.content == canonical_json(second.content)
    assert newest.headers["ETag"] == f'"{second.sha256}"'
    assert newest.headers["Cache-Control"] == "private, no-cache"
    assert "immutable" in first.headers["Cache-Control"]


def test_who_has_it_is_not_sent_it_again(council: Tenant, alice: Person) -> None:
    tag = ask(alice, council).headers["ETag"]
    for number in (None, 1):
        for given in (tag, f'"other", {tag}', f"W/{tag}", "*"):
            answer = ask(alice, council, number, if_none_match=given)
            assert (answer.status_code, answer.content) == (304, b"")
            assert (answer.headers["ETag"], answer.headers["Astra-Config-Version"]) == (tag, "1")
        for given in ('"other"', tag.strip('"'), "", tag[:-2] + '"'):
            assert ask(alice, council, number, if_none_match=given).status_code == 200


def test_a_publication_changes_the_tag_and_going_back_gives_the_old_one_again(council: Tenant, alice: Person) -> None:
    tag = ask(alice, council).headers["ETag"]
    publish(council, "second")
    changed = ask(alice, council, if_none_match=tag)
    assert (changed.status_code, changed.json()["hotwords"]) == (200, ["second"])
    publish(council, "third")
    publish(council, "second")
    back = ask(alice, council, if_none_match=changed.headers["ETag"])
    assert (back.status_code, back.headers["Astra-Config-Version"]) == (304, "4")


def test_what_is_in_memory_asks_postgres_only_for_the_caller(
    council: Tenant,
    alice: Person,
    own_reader: ConfigReader,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    ask(alice, council)
    until(lambda: own_reader.news.is_in_force)
    ask(alice, council)
    with django_assert_num_queries(1) as asked:
        assert ask(alice, council).status_code == 200
    assert "tenants_tenant" in asked.captured_queries[0]["sql"]


def test_an_outsider_is_refused_and_learns_nothing(council: Tenant, alice: Person, charlie: Person) -> None:
    tag = ask(alice, council).headers["ETag"]
    for number in (None, 1, 99):
        for headers in ({}, {"if_none_match": tag}):
            assert_problem(ask(charlie, council, number, **headers), 403, "config_of_another_tenant")


def test_without_redis_it_is_answered_all_the_same(council: Tenant, alice: Person, server: RedisServer) -> None:
    whole = ask(alice, council)
    publish(council, "second")
    server.kill()
    for number, body in ((1, whole.content), (None, ask(alice, council, 2).content)):
        answer = ask(alice, council, number)
        assert (answer.status_code, answer.content) == (200, body)
    publish(council, "third")
    assert ask(alice, council).json()["hotwords"] == ["third"]


def test_refusals_say_why(council: Tenant, alice: Person) -> None:
    empty = TenantFactory()
    newcomer = Person("dora", empty)
    assert_problem(ask(newcomer, empty), 404, "config_not_published")
    for number in (0, 2, 2**31, 10**30):
        assert_problem(ask(alice, council, number), 404, "config_version_not_found")
    address = f"/v1/tenants/{council.id}/config"
    answer = client_for(alice, "sessions:read", "jobs:read").get(address)
    assert_problem(answer, 403, "scope_missing")
    assert answer.json()["details"] == {"scope": "config:read"}
