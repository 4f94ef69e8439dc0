"""What was published is read, from wherever it is; what is damaged is not believed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
import redis
from django.db import connection, transaction
from pytest_django import DjangoAssertNumQueries

from astra_site.embedded import RedisServer
from astra_site.lib.errors import Forbidden, NotFound
from astra_site.lib.hashing import Sha256, canonical_json
from astra_site.lib.tenancy import TenantScopeMissing, tenant_scope
from tenants.config_service import shared_cache
from tenants.config_service.config import Config
from tenants.config_service.reader import ConfigReader
from tenants.config_service.service import get_config, pinned_config
from tenants.errors import ConfigAltered, NothingPublished
from tenants.models import ConfigVersion, Tenant
from tests.config_service.conftest import NewReader
from tests.config_service.ground import Database, forget_all, keys_of, publish, read, word_of
from tests.factories.tenants import SkeletonFactory, SkeletonVersionFactory, TenantFactory
from tests.owner import as_the_owner
from tests.people import Person
from tests.sessions.minutes_client import CLOSING, DEBATE, OPENING, VOTE, Minutes, finish_jobs
from tests.sessions.samples import png
from tests.waiting import until

pytestmark = pytest.mark.django_db(transaction=True)


def both(new_reader: NewReader, council: Tenant) -> list[Config]:
    """Read the newest and the first version, each in a process that has just started."""
    return [read(new_reader(), council, version) for version in (None, 1)]


def test_the_newest_and_every_older_version_are_read(own_reader: ConfigReader, council: Tenant) -> None:
    publish(council, "second")
    with tenant_scope(council.id):
        newest = get_config(council.id)
        first = get_config(council.id, 1)
    assert (newest.number, word_of(newest), first.number) == (2, "second", 1)
    assert Sha256.of(newest.body) == newest.sha256
    assert canonical_json(newest.content) == newest.body


def test_nothing_is_read_outside_of_the_scope(own_reader: ConfigReader, council: Tenant, charlie: Person) -> None:
    with tenant_scope(council.id):
        get_config(council.id)
    with tenant_scope(charlie.tenant_id):
        for version in (None, 1):
            with pytest.raises(Forbidden) as forbidden:
                get_config(council.id, version)
            assert forbidden.value.code == "config_of_another_tenant"
        with pytest.raises(NotFound) as missing:
            get_config(uuid4())
        assert missing.value.code == "tenant_not_found"
    with pytest.raises(TenantScopeMissing):
        get_config(council.id)


def test_what_was_never_published_is_not_found(own_reader: ConfigReader, council: Tenant) -> None:
    empty = TenantFactory()
    with tenant_scope(empty.id), pytest.raises(NothingPublished):
        get_config(empty.id)
    with tenant_scope(council.id):
        for number in (2, 2**31, 10**30):
            with pytest.raises(NotFound) as missing:
                get_config(council.id, number)
            assert missing.value.code == "config_version_not_found"
    SkeletonVersionFactory(skeleton=SkeletonFactory(tenant=empty))
    publish(empty, "at last")
    with tenant_scope(empty.id):
        assert word_of(get_config(empty.id)) == "at last"


def test_the_second_process_finds_it_in_redis_and_the_second_look_in_memory(
    new_reader: NewReader, database: Database, council: Tenant, client: redis.Redis
) -> None:
    both(new_reader, council)
    assert database.visits == 2
    both(new_reader, council)
    second = new_reader()
    read(second, council)
    assert database.visits == 2
    until(lambda: second.news.is_in_force)
    read(second, council)
    client.flushall()
    for version in (None, 1):
        assert read(second, council, version).number == 1
    assert database.visits == 2


def test_nothing_in_redis_stays_for_ever(new_reader: NewReader, council: Tenant, client: redis.Redis) -> None:
    both(new_reader, council)
    kept: dict[str, Any] = {
        key.rpartition("}:")[2].partition(":")[0]: client.ttl(key) for key in keys_of(client, council)
    }
    assert kept.keys() == {"newest", "version", "content"}, "a claim was left behind, or something was not kept"
    assert 0 < kept["newest"] <= shared_cache.POINTER_TTL_S
    assert 0 < kept["version"] <= kept["content"] <= shared_cache.CONTENT_TTL_S


def test_an_uncommitted_version_is_seen_by_nobody_else(
    own_reader: ConfigReader, new_reader: NewReader, council: Tenant
) -> None:
    with tenant_scope(council.id):
        assert get_config(council.id).number == 1
        with transaction.atomic():
            draft = publish(council, "draft")
            assert word_of(get_config(council.id)) == "draft"
            assert word_of(get_config(council.id, 2)) == "draft"
            assert pinned_config(draft.pk).content["hotwords"] == ["draft"]
            transaction.set_rollback(True)
        assert get_config(council.id).number == 1
        assert read(new_reader(), council).number == 1
        with pytest.raises(NotFound):
            get_config(council.id, 2)
        publish(council, "other")
        assert word_of(get_config(council.id)) == word_of(get_config(council.id, 2)) == "other"


Damage = Callable[[redis.Redis, str], object]
DAMAGES: dict[str, Damage] = {
    "garbage": lambda client, key: client.set(key, "\x00{{{"),
    "nothing": lambda client, key: client.set(key, ""),
    "cut off": lambda client, key: client.set(key, str(client.get(key))[:-1]),
    "one letter": lambda client, key: client.set(key, str(client.get(key))[:-1] + "!"),
    "another type": lambda client, key: (client.delete(key), client.rpush(key, "x")),
}


@pytest.mark.parametrize("name", ["newest", "version:1", "content:*"])
def test_what_is_damaged_is_not_believed_and_is_mended(
    new_reader: NewReader,
    database: Database,
    council: Tenant,
    client: redis.Redis,
    name: str,
    subtests: pytest.Subtests,
) -> None:
    whole = both(new_reader, council)
    [key] = keys_of(client, council, name)
    held = client.get(key)
    for kind, damage in DAMAGES.items():
        with subtests.test(kind):
            damage(client, key)
            database.visits = 0
            assert both(new_reader, council) == whole
            assert database.visits >= 1
            assert client.get(key) == held
            database.visits = 0
            assert both(new_reader, council) == whole
            assert database.visits == 0


def test_another_tenants_values_are_not_believed(
    new_reader: NewReader, council: Tenant, charlie: Person, client: redis.Redis
) -> None:
    theirs = charlie.council
    publish(theirs, "theirs")
    both(new_reader, theirs)
    reader = new_reader()
    read(reader, theirs)
    own = both(new_reader, council)
    for key in keys_of(client, theirs):
        client.copy(key, key.replace(str(theirs.id), str(council.id)), replace=True)
    [content] = keys_of(client, council, f"content:{own[0].sha256.hex}")
    client.set(content, str(client.get(keys_of(client, theirs, "content:*")[0])))
    assert both(new_reader, council) == own
    assert [read(reader, council, version) for version in (None, 1)] == own


def test_a_pointer_to_a_version_that_is_not_there_does_not_keep_the_true_one_away(
    new_reader: NewReader, database: Database, council: Tenant, client: redis.Redis
) -> None:
    whole = read(new_reader(), council)
    [key] = keys_of(client, council, "newest")
    true = str(client.get(key))
    client.set(key, true.replace(" 1 ", " 99 ").replace(true[-4:], "0000"))
    assert read(new_reader(), council) == whole
    assert client.get(key) == true


def test_what_a_session_has_pinned_is_read_once_and_then_in_memory(
    own_reader: ConfigReader,
    council: Tenant,
    charlie: Person,
    server: RedisServer,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    server.kill()
    with tenant_scope(council.id):
        version = ConfigVersion.objects.get()
        with django_assert_num_queries(1):
            found = [pinned_config(version.pk) for _ in range(100)]
    assert {(config.number, str(config.sha256)) for config in found} == {(1, version.sha256)}
    assert found[0].content == version.content
    with tenant_scope(charlie.tenant_id):
        with pytest.raises(Forbidden):
            pinned_config(version.pk)
        forget_all(own_reader)
        with pytest.raises(ConfigVersion.DoesNotExist):
            pinned_config(version.pk)


def test_making_minutes_does_not_change_what_is_shared(alice: Person) -> None:
    """Every reader of the process has the same object: its content still has its hash when all of them have used it."""
    minutes = Minutes.start(alice)
    for number, text in enumerate((OPENING, VOTE, DEBATE, CLOSING), 1):
        minutes.say(number, text)
    minutes.show_image(png())
    minutes.set_context(speaker="Ana", topic="Aguas")
    finish_jobs()
    minutes.close()
    with tenant_scope(alice.tenant_id):
        config = pinned_config(minutes.row().config_version_id)
    assert Sha256.of_json(config.content) == config.sha256


def test_a_row_that_was_changed_behind_our_back_is_not_handed_out(
    own_reader: ConfigReader, council: Tenant, client: redis.Redis
) -> None:
    with tenant_scope(council.id):
        assert get_config(council.id).number == 1
    with as_the_owner(), connection.cursor() as cursor:
        cursor.execute("ALTER TABLE tenants_configversion DISABLE TRIGGER astra_append_only")
        cursor.execute('UPDATE tenants_configversion SET content = content || \'{"hotwords": ["x"]}\'')
        cursor.execute("ALTER TABLE tenants_configversion ENABLE TRIGGER astra_append_only")
    client.flushall()
    with tenant_scope(council.id):
        version = ConfigVersion.objects.get()
        asked: list[Callable[[], object]] = [lambda: get_config(council.id), lambda: pinned_config(version.pk)]
        for ask in asked:
            forget_all(own_reader)
            with pytest.raises(ConfigAltered):
                ask()
