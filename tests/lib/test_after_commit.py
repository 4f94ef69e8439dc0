"""What follows a commit may fail: the caller, whose transaction is committed, is not told, and the rest is done."""

from __future__ import annotations

from functools import partial

import pytest
from django.db import OperationalError, transaction

from astra_site.lib.after_commit import after_commit

pytestmark = pytest.mark.django_db(transaction=True)


def broken(what: str) -> None:
    raise OperationalError(f"{what} is gone")


@pytest.mark.parametrize("call", [broken, partial(broken)], ids=["a function", "a partial"])
def test_a_call_that_fails_is_logged_and_the_next_one_made(
    call: partial[None], caplog: pytest.LogCaptureFixture
) -> None:
    done: list[str] = []
    with transaction.atomic():
        after_commit(call, "the buffer")
        after_commit(done.append, "announced")
        assert done == []
    assert done == ["announced"]
    assert "the buffer is gone" in caplog.text


def test_without_a_transaction_the_call_is_made_at_once() -> None:
    done: list[str] = []
    after_commit(done.append, "announced")
    assert done == ["announced"]


def test_a_transaction_that_is_rolled_back_is_followed_by_nothing() -> None:
    done: list[str] = []

    @transaction.atomic
    def fail() -> None:
        after_commit(done.append, "announced")
        broken("the database")

    with pytest.raises(OperationalError):
        fail()
    assert done == []
