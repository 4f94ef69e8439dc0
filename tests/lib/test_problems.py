"""Errors that no view foresees are still answered as problem JSON."""

from __future__ import annotations

import pytest
from django.db import DataError, OperationalError

from astra_site.lib.problems import problem_response


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (DataError("value too long for type character varying(200)"), 400, "input_unstorable"),
        (OperationalError("server closed the connection"), 503, "database_unavailable"),
    ],
)
def test_a_database_error_has_its_problem(error: Exception, status: int, code: str) -> None:
    answer = problem_response(error, {})
    assert answer is not None
    assert (answer.status_code, answer.data["code"]) == (status, code)
    assert str(error) not in str(answer.data)


def test_a_programming_error_is_none_of_ours() -> None:
    assert problem_response(KeyError("x"), {}) is None
