"""The breaker that all processes share: it opens, waits, and lets exactly one probe through."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
import redis
from django.conf import settings

from astra_site.lib.errors import Unavailable
from astra_site.lib.ids import new_id
from astra_site.lib.redis_client import redis_client
from sessions_app.core.breaker import BreakerPolicy, CircuitBreaker, Outcome
from sessions_app.core.errors import CoreBreakerOpen, CoreUnavailable
from sessions_app.core.guarded import GuardedCore
from sessions_app.understanding.client import EmbeddedCoreClient
from sessions_app.understanding.errors import CoreAnswerInvalid, CoreRequestInvalid
from sessions_app.understanding.schema import CoreRequest, CoreResponse, request_for
from sessions_app.understanding.types import DialogueContext, TenantLanguage, Utterance
from tests.waiting import until

pytestmark = pytest.mark.usefixtures("services")
THREADS = 24
AN_HOUR = BreakerPolicy(failures=3, cool_down_s=3600.0)
HALF_OPEN_AT_ONCE = BreakerPolicy(failures=3, cool_down_s=0.0)
REQUEST = request_for((Utterance("Se abre la sesión.", 0, 10),), DialogueContext(), TenantLanguage())


def breaker(policy: BreakerPolicy, name: str = "") -> CircuitBreaker:
    return CircuitBreaker(redis_client, name or f"test-{new_id()}", policy)


def fail(one: CircuitBreaker, times: int) -> None:
    for _ in range(times):
        one.settle(one.admit(), Outcome.FAILURE)


def is_open(one: CircuitBreaker) -> bool:
    """Look without leaving a probe behind."""
    try:
        one.settle(one.admit(), Outcome.NONE)
    except CoreBreakerOpen:
        return True
    return False


def at_once(calls: list[Callable[[], str]]) -> list[str]:
    """Run calls in threads that start together; a refused call is an empty answer."""
    start = threading.Barrier(len(calls))

    def enter(call: Callable[[], str]) -> str:
        start.wait(10)
        try:
            return call()
        except CoreBreakerOpen:
            return ""

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(enter, calls))


def test_it_opens_after_failures_in_a_row_only() -> None:
    one = breaker(AN_HOUR)
    fail(one, 2)
    one.settle(one.admit(), Outcome.SUCCESS)
    fail(one, 2)
    assert not is_open(one)
    fail(one, 1)
    with pytest.raises(CoreBreakerOpen) as caught:
        one.admit()
    assert (caught.value.code, caught.value.permanent) == ("core_breaker_open", False)
    assert 3590 < caught.value.retry_after_s <= 3600


def test_all_processes_share_it_and_other_names_do_not() -> None:
    name = f"test-{new_id()}"
    fail(breaker(AN_HOUR, name), 3)
    assert is_open(breaker(AN_HOUR, name))
    assert not is_open(breaker(AN_HOUR))


def test_of_many_at_the_same_time_exactly_one_is_the_probe() -> None:
    name = f"test-{new_id()}"
    fail(breaker(HALF_OPEN_AT_ONCE, name), 3)
    clients = [redis.Redis.from_url(settings.REDIS_URL, decode_responses=True) for _ in range(THREADS)]
    workers = [CircuitBreaker(lambda client=client: client, name, HALF_OPEN_AT_ONCE) for client in clients]  # type: ignore[misc]
    for outcome in (Outcome.FAILURE, Outcome.NONE, Outcome.FAILURE):
        answers = at_once([worker.admit for worker in workers])
        (probe,) = [number for number, token in enumerate(answers) if token]
        assert all(is_open(worker) for worker in workers)
        workers[probe].settle(answers[probe], outcome)
    probe_token = workers[0].admit()
    workers[0].settle(probe_token, Outcome.SUCCESS)
    assert all(at_once([worker.admit for worker in workers]))
    for client in clients:
        client.close()


def test_failures_at_the_same_time_are_all_counted() -> None:
    one = breaker(BreakerPolicy(failures=THREADS, cool_down_s=3600.0))

    def fail_once() -> str:
        one.settle(one.admit(), Outcome.FAILURE)
        return "counted"

    assert at_once([fail_once] * (THREADS - 1)) == ["counted"] * (THREADS - 1)
    assert not is_open(one)
    fail_once()
    assert is_open(one)


def test_a_failed_probe_opens_it_again() -> None:
    name = f"test-{new_id()}"
    fail(breaker(HALF_OPEN_AT_ONCE, name), 3)
    one = breaker(AN_HOUR, name)
    one.settle(one.admit(), Outcome.FAILURE)
    assert is_open(one)


def test_a_probe_that_died_is_replaced_and_has_no_say_any_more() -> None:
    one = breaker(BreakerPolicy(failures=1, cool_down_s=0.0, probe_lease_s=0.2))
    fail(one, 1)
    dead = one.admit()
    assert is_open(one)
    until(lambda: not is_open(one))
    living = one.admit()
    one.settle(dead, Outcome.SUCCESS)
    assert is_open(one)
    one.settle(living, Outcome.SUCCESS)
    assert not is_open(one)


def test_a_call_from_before_it_opened_says_nothing_about_now() -> None:
    one = breaker(AN_HOUR)
    early = one.admit()
    fail(one, 3)
    one.settle(early, Outcome.SUCCESS)
    assert is_open(one)


def test_everything_about_it_is_forgotten_in_time() -> None:
    name = f"test-{new_id()}"
    fail(breaker(AN_HOUR, name), 3)
    left_ms = redis_client().pttl(f"breaker:{{{name}}}")
    assert isinstance(left_ms, int)
    assert 3_600_000 < left_ms <= 4_200_000


class Scripted:
    """A CORE that says what it is told to."""

    name = "scripted"

    def __init__(self, *answers: Exception | None) -> None:
        self.answers = list(answers)
        self.calls = 0

    def ask(self, request: CoreRequest) -> CoreResponse:
        self.calls += 1
        error = self.answers.pop(0)
        if error is not None:
            raise error
        return EmbeddedCoreClient().ask(request)


REFUSED = CoreRequestInvalid("core_request_invalid", "no")
GARBLED = CoreAnswerInvalid("core_answer_invalid", "no")
SILENT = CoreUnavailable("core_timeout", "no")


def ask(guarded: GuardedCore, times: int) -> list[str]:
    said = []
    for _ in range(times):
        try:
            guarded.ask(REQUEST)
            said.append("answered")
        except (CoreRequestInvalid, Unavailable, CoreAnswerInvalid) as error:
            said.append(error.code)
    return said


def test_transient_and_wrong_answers_count_and_refused_questions_do_not() -> None:
    core = Scripted(GARBLED, REFUSED, SILENT, REFUSED, GARBLED)
    guarded = GuardedCore(core, breaker(AN_HOUR))
    said = ask(guarded, 8)
    assert said[:5] == [error.code for error in (GARBLED, REFUSED, SILENT, REFUSED, GARBLED)]
    assert said[5:] == ["core_breaker_open"] * 3
    assert core.calls == 5


def test_a_probe_that_broke_off_for_a_reason_of_its_own_leaves_the_way_free() -> None:
    core = Scripted(SILENT, KeyError("a mistake"), REFUSED, None, None)
    guarded = GuardedCore(core, breaker(BreakerPolicy(failures=1, cool_down_s=0.0)))
    assert ask(guarded, 1) == ["core_timeout"]
    with pytest.raises(KeyError):
        guarded.ask(REQUEST)
    assert ask(guarded, 3) == ["core_request_invalid", "answered", "answered"]


def test_without_redis_every_call_goes_through() -> None:
    nobody = redis.Redis.from_url("redis://127.0.0.1:1/0", decode_responses=True)
    core = Scripted(SILENT, SILENT, SILENT, SILENT, None)
    guarded = GuardedCore(core, CircuitBreaker(lambda: nobody, "nobody", BreakerPolicy(failures=1)))
    assert ask(guarded, 5) == ["core_timeout"] * 4 + ["answered"]


def test_redis_emptied_in_the_middle_of_a_probe_closes_it() -> None:
    name = f"test-{new_id()}"
    one = breaker(HALF_OPEN_AT_ONCE, name)
    fail(one, 3)
    probe = one.admit()
    redis_client().delete(f"breaker:{{{name}}}")
    one.settle(probe, Outcome.FAILURE)
    assert not is_open(one)
    assert one.admit()
