"""One JSON object a line, and each says whose it is."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
from django.http import HttpRequest, HttpResponse
from django.urls import path
from pytest_django import Settings
from rest_framework.test import APIClient

from astra_site.lib.logs import FIELDS, AstraJsonFormatter, ContextFilter, log_context
from jobs.models import Status
from sessions_app.services import inputs
from tests.people import Person
from tests.sessions.minutes_client import BASE, OPENING, Minutes, finish_jobs

TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736"
TRACEPARENT = f"00-{TRACE_ID}-00f067aa0ba902b7-01"


@pytest.fixture
def lines() -> Iterator[list[dict[str, Any]]]:
    """What the root logger writes, parsed; complete when the test reads it."""
    stream, parsed = io.StringIO(), _Lines()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(AstraJsonFormatter())
    handler.addFilter(ContextFilter())
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    parsed.stream = stream
    yield parsed
    root.removeHandler(handler)
    root.setLevel(level)


class _Lines(list[dict[str, Any]]):
    stream: io.StringIO

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return iter([json.loads(line) for line in self.stream.getvalue().splitlines()])


def test_every_line_has_every_field(lines: list[dict[str, Any]]) -> None:
    logging.getLogger("astra.test").info('a "quoted"\nline, ñ', extra={"entry": 7})
    with log_context(trace_id="t", session_id="s"), log_context(job_id="j", tenant_id=None):
        logging.getLogger("astra.test").warning("inside")
    first, second = lines
    assert (first["message"], first["entry"], first["level"]) == ('a "quoted"\nline, ñ', 7, "INFO")
    assert {first[name] for name in FIELDS} == {None}
    assert {name: second[name] for name in FIELDS} == {
        "trace_id": "t",
        "tenant_id": None,
        "session_id": "s",
        "job_id": "j",
    }


def test_an_exception_is_one_line(lines: list[dict[str, Any]]) -> None:
    try:
        raise LookupError("gone")
    except LookupError:
        logging.getLogger("astra.test").exception("failed")
    (line,) = lines
    assert "LookupError: gone" in line["exc_info"]


@pytest.mark.django_db(transaction=True)
def test_a_requests_trace_goes_through_to_its_jobs(
    alice: Person, lines: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    minutes = Minutes.start(alice)
    accept = inputs.append_text

    def noted(*args: Any, **kwargs: Any) -> Any:
        logging.getLogger("astra.test").info("in the request")
        return accept(*args, **kwargs)

    monkeypatch.setattr(inputs, "append_text", noted)
    answer = minutes.api.post(
        minutes.url("append"), {"sequence_id": 1, "text": OPENING}, format="json", HTTP_TRACEPARENT=TRACEPARENT
    )
    assert answer["X-Trace-Id"] == TRACE_ID
    (line,) = [line for line in lines if line["message"] == "in the request"]
    owner = {"trace_id": TRACE_ID, "tenant_id": str(alice.tenant_id), "session_id": minutes.session_id}
    assert {name: line[name] for name in owner} == owner
    (job,) = minutes.jobs(status=Status.QUEUED)
    assert job.payload["trace_id"] == TRACE_ID
    monkeypatch.setattr("sessions_app.flows.advance", lambda _: logging.getLogger("astra.test").info("in the job"))
    finish_jobs()
    (line,) = [line for line in lines if line["message"] == "in the job"]
    assert {name: line[name] for name in FIELDS} == {**owner, "job_id": str(job.id)}


@pytest.mark.django_db
@pytest.mark.parametrize(
    "header",
    [
        "",
        "nonsense",
        f"00-{'0' * 32}-00f067aa0ba902b7-01",
        f"ff-{TRACE_ID}-00f067aa0ba902b7-01",
        f"00-{TRACE_ID[:-1]}-00f067aa0ba902b7-01",
        f"00-{TRACE_ID.upper()}-00f067aa0ba902b7-01",
        f"{TRACEPARENT}\nevil",
    ],
)
def test_a_trace_that_is_none_is_replaced(header: str) -> None:
    answer = APIClient().get("/health/live", HTTP_TRACEPARENT=header)
    assert len(answer["X-Trace-Id"]) == 32
    assert answer["X-Trace-Id"] != TRACE_ID
    assert answer["X-Trace-Id"] != "0" * 32


def test_two_requests_never_share_a_trace() -> None:
    client = APIClient()
    assert client.get("/health/live")["X-Trace-Id"] != client.get("/health/live")["X-Trace-Id"]


def _broken(request: HttpRequest) -> HttpResponse:
    raise LookupError("a mistake of ours")


urlpatterns = [path("v1/broken", _broken), path("broken", _broken)]
handler500 = "astra_site.error_pages.server_error"


def test_a_mistake_of_ours_is_a_problem_without_its_inside(settings: Settings) -> None:
    settings.ROOT_URLCONF = __name__
    client = APIClient()
    client.raise_request_exception = False
    answer = client.get("/v1/broken")
    assert (answer.status_code, answer["Content-Type"]) == (500, "application/problem+json")
    assert answer.json()["code"] == "internal_error"
    assert answer.json()["trace_id"] == answer["X-Trace-Id"]
    assert b"mistake" not in answer.content
    assert client.get("/broken")["Content-Type"].startswith("text/html")


@pytest.mark.django_db
def test_the_log_of_a_refusal_holds_no_token(alice: Person, lines: list[dict[str, Any]]) -> None:
    token = alice.token()
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {token}x")
    assert client.get(f"{BASE}/jobs").status_code == 401
    assert token not in json.dumps(list(lines))
