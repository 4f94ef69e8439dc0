"""The OpenAPI document: complete, valid, and served to anyone."""

from __future__ import annotations

import io
import json

import pytest
from django.core.management import call_command
from django.test import Client


def test_it_generates_without_a_warning() -> None:
    out = io.StringIO()
    call_command("spectacular", "--fail-on-warn", "--validate", "--format", "openapi-json", stdout=out)
    document = json.loads(out.getvalue())
    assert document["components"]["securitySchemes"]["bearer"] == {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
    }
    assert document["components"]["securitySchemes"]["clientSecret"] == {"type": "http", "scheme": "basic"}
    assert document["paths"].pop("/v1/oauth/token")["post"]["security"] == [{"clientSecret": []}]
    operations = [operation for path in document["paths"].values() for operation in path.values()]
    assert len(operations) >= 15
    for operation in operations:
        assert operation["summary"], operation["operationId"]
        assert operation["security"] == [{"bearer": []}], operation["operationId"]


@pytest.mark.django_db
def test_it_is_served() -> None:
    answer = Client().get("/openapi.json", HTTP_ACCEPT="application/json")
    assert answer.status_code == 200
    assert "/v1/orchestrator/session/start" in answer.json()["paths"]
