"""What every refusal looks like (RFC 9457)."""

from __future__ import annotations

from typing import Any


def assert_problem(answer: Any, status: int, code: str) -> None:
    """Check status, media type and the members that clients rely on."""
    assert answer["Content-Type"] == "application/problem+json", (answer.status_code, answer.content[:400])
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (status, code), problem
    assert problem["status"] == status
    assert problem["type"].endswith(code)
    assert problem["title"]
    assert problem["detail"]
    assert len(problem["trace_id"]) == 32
    assert problem["trace_id"] == answer["X-Trace-Id"]
