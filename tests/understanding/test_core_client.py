"""The seam to CORE: what fits `astra.core/1` passes, everything else is refused before it is used."""

from __future__ import annotations

import json
from typing import Any

import pytest

from astra_site.lib.errors import ErrorKind
from sessions_app.understanding.client import answer, check_answer
from sessions_app.understanding.engine import EmbeddedCore
from sessions_app.understanding.errors import CoreAnswerInvalid, CoreRequestInvalid
from sessions_app.understanding.schema import CoreRequest, CoreResponse, request_for
from sessions_app.understanding.types import DialogueContext, Intent, TenantLanguage, TenantRule, Utterance


def body(**changes: Any) -> str:
    valid = json.loads(answer(EmbeddedCore(), request("Con dos votos a favor queda aprobada el acta.").to_json()))
    valid["understandings"][0] |= changes
    return json.dumps(valid)


def request(text: str) -> CoreRequest:
    return request_for((Utterance(text, 0, 1_000),), DialogueContext(), TenantLanguage())


def test_a_valid_answer_passes() -> None:
    assert CoreResponse.parse(body()).understandings[0].intent is Intent.VOTE


@pytest.mark.parametrize(
    "changes",
    [
        {"intent": "DANCE"},
        {"confidence": 1.4},
        {"confidence": "high"},
        {"start_ms": -1},
        {"start_ms": 900, "end_ms": 10},
        {"end_ms": 10.5},
        {"template_id": "../../etc"},
        {"needs_review": "no"},
        {"structured_data": {}},
        {"structured_data": {"attendance": []}},
        {"structured_data": {"subject": None, "in_favour": -3, "against": 0, "abstentions": 0, "result": "approved"}},
        {"structured_data": {"subject": None, "in_favour": 3, "against": 0, "abstentions": 0, "result": "maybe"}},
        {"intent": "OPEN_SESSION", "structured_data": {"time": "25:00"}},
        {"text": None},
        {"text": "a\x00b"},
        {"label": "\x00"},
        {"confidence": float("nan")},
        {"end_ms": 10**12},
        {"structured_data": {"subject": None, "in_favour": "3", "against": 0, "abstentions": 0, "result": "approved"}},
        {"structured_data": {"subject": "\x00", "in_favour": 3, "against": 0, "abstentions": 0, "result": None}},
        {"surprise": 1},
    ],
)
def test_an_answer_of_the_wrong_shape_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(CoreAnswerInvalid) as caught:
        CoreResponse.parse(body(**changes))
    assert (caught.value.code, caught.value.permanent) == ("core_answer_invalid", False)
    assert caught.value.kind is ErrorKind.UNAVAILABLE


@pytest.mark.parametrize("raw", ["", "<html>busy</html>", "[]", "{}", '{"schema": "astra.core/9"}', b"\xff\xfe"])
def test_garbage_is_refused(raw: str | bytes) -> None:
    with pytest.raises(CoreAnswerInvalid):
        CoreResponse.parse(raw)


@pytest.mark.parametrize(
    ("utterance", "tenant"),
    [
        (Utterance("hola", -5, 10), TenantLanguage()),
        (Utterance("hola", 10, 5), TenantLanguage()),
        (Utterance("hola", 0, 5, 2.0), TenantLanguage()),
        (Utterance("hola", 0, 5), TenantLanguage(rules=(TenantRule(Intent.VOTE, "("),))),
    ],
)
def test_a_request_of_the_wrong_shape_is_refused(utterance: Utterance, tenant: TenantLanguage) -> None:
    with pytest.raises(CoreRequestInvalid) as caught:
        request_for((utterance,), DialogueContext(), tenant)
    assert caught.value.kind is ErrorKind.INVALID


def test_a_body_that_is_no_request_is_refused() -> None:
    with pytest.raises(CoreRequestInvalid):
        answer(EmbeddedCore(), b'{"schema": "astra.core/1"}')


@pytest.mark.parametrize(
    "changes",
    [
        {"original_text": "Con dos votos a favor queda aprobada."},
        {"original_text": "Con dos votos en contra queda aprobada el acta."},
        {"original_text": ""},
        {"end_ms": 1_001},
    ],
)
def test_an_answer_that_is_none_to_the_question_is_refused(changes: dict[str, Any]) -> None:
    asked = request("Con dos votos a favor queda aprobada el acta.")
    check_answer(asked, CoreResponse.parse(body()))
    check_answer(asked, CoreResponse.parse(body(original_text="Con dos votos, a favor: queda aprobada el acta")))
    with pytest.raises(CoreAnswerInvalid):
        check_answer(asked, CoreResponse.parse(body(**changes)))
