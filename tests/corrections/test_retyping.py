"""What a block means, and what follows from it by the pinned configuration."""

from __future__ import annotations

from typing import Any

import pytest

from astra_site.lib.errors import AstraError
from sessions_app.corrections import Retype
from sessions_app.corrections.retyping import retyped
from tests.corrections.samples import PINS, block, pending


def after(whole: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return retyped(whole, Retype(changes), PINS)


def code_of(whole: dict[str, Any], **changes: Any) -> str:
    with pytest.raises(AstraError) as caught:
        after(whole, **changes)
    return caught.value.code


def test_template_zone_and_table_follow_the_intent() -> None:
    vote = after(block(), intent="VOTE", data={"in_favour": 3})
    assert (vote["template_id"], vote["target_placeholder"]) == ("TPL_VOTACION", "ZONA_VOTACION")
    assert (vote["table_id"], vote["label"], vote["needs_review"]) == ("TBL_VOTACION", "Votación", False)
    assert vote["data"] == {"subject": None, "in_favour": 3, "against": None, "abstentions": None, "result": None}


def test_a_template_without_a_zone_goes_to_the_default_one() -> None:
    assert after(block(), intent="ROLL_CALL")["target_placeholder"] == "ZONA_VARIOS"


def test_an_intent_whose_template_nobody_described_becomes_plain_text() -> None:
    plain = after(block(), intent="AGENDA")
    assert (plain["type"], plain["template_id"]) == ("TEXT", None)
    assert plain["target_placeholder"] == "ZONA_VARIOS"


def test_a_template_of_ones_own_choice() -> None:
    chosen = after(block(), template_id="TPL_VOTACION")
    assert (chosen["intent"], chosen["target_placeholder"]) == ("DEBATE", "ZONA_VOTACION")
    assert after(block(), template_id=None)["type"] == "TEXT"


def test_a_zone_alone_changes_nothing_else() -> None:
    moved = after(block(), zone="ZONA_VARIOS")
    assert moved == {**block(), "target_placeholder": "ZONA_VARIOS", "needs_review": False}


def test_data_change_one_by_one() -> None:
    vote = block(intent="VOTE", data={"in_favour": 14, "against": 2}, table_id="TBL_VOTACION")
    assert after(vote, data={"in_favour": 13})["data"]["against"] == 2
    assert after(vote, intent="DEBATE")["table_id"] is None


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({}, "retype_empty"),
        ({"text": "x"}, "retype_empty"),
        ({"intent": "SPEECH"}, "intent_unknown"),
        ({"template_id": "TPL_X"}, "template_unknown"),
        ({"zone": "ZONA_X"}, "zone_unknown"),
        ({"zone": "IMG_ANEXO"}, "zone_unknown"),
        ({"data": {"x": 1}}, "data_invalid"),
        ({"intent": "VOTE", "data": {"in_favour": -1}}, "data_invalid"),
        ({"intent": "VOTE", "data": {"in_favour": 10**9}}, "data_invalid"),
        ({"intent": "VOTE", "data": {"winner": "x"}}, "data_invalid"),
        ({"intent": "ROLL_CALL", "data": {"attendance": [{"name": "", "presence": "present"}]}}, "data_invalid"),
        ({"intent": "OPEN_SESSION", "data": {"time": "25:00"}}, "data_invalid"),
        ({"intent": "AGENDA", "data": {"items": ["x" * 50_000, "y" * 50_000]}}, "data_too_large"),
    ],
)
def test_what_does_not_fit_is_refused(changes: dict[str, Any], code: str) -> None:
    assert code_of(block(), **changes) == code


def test_what_has_no_words_has_a_zone_only() -> None:
    assert after(pending(), zone="ZONA_VARIOS")["target_placeholder"] == "ZONA_VARIOS"
    assert after(block(type="IMAGE"), zone="IMG_ANEXO")["target_placeholder"] == "IMG_ANEXO"
    assert code_of(pending(), intent="VOTE") == "block_without_text"
    assert code_of(pending(), zone="IMG_ANEXO") == "zone_unknown"
