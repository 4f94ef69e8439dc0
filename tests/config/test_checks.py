"""What is said of a configuration that does not fit its skeleton, and of one that is only doubtful."""

from __future__ import annotations

from typing import Any

import pytest

from tenants.config.checks import Problem, problems
from tenants.config.schema import ConfigContent
from tests.config.samples import FIELDS, content, places

VOTE = content()["table_map"]["VOTE"]
ZONES = content()["zone_map"]


def found(**changes: Any) -> list[Problem]:
    return problems(ConfigContent.read(content(**changes)), places(), FIELDS)


def test_the_demonstration_has_nothing_wrong() -> None:
    assert [problem for problem in found() if problem.is_error] == []


@pytest.mark.parametrize(
    ("changes", "code", "path"),
    [
        ({"zone_map": {**ZONES, "TPL_DEBATE": "ZONA_NADA"}}, "placeholder_unknown", "zone_map.TPL_DEBATE"),
        ({"zone_map": {**ZONES, "TPL_DEBATE": "TBL_VOTACION"}}, "zone_is_table", "zone_map.TPL_DEBATE"),
        ({"zone_map": {**ZONES, "TPL_DEBATE": "FECHA"}}, "zone_takes_no_blocks", "zone_map.TPL_DEBATE"),
        ({"zone_map": {**ZONES, "TPL_NUEVA": "ZONA_VARIOS"}}, "template_undescribed", "zone_map.TPL_NUEVA"),
        ({"default_zone": "ZONA_NADA"}, "placeholder_unknown", "default_zone"),
        ({"default_zone": "TBL_VOTACION"}, "zone_is_table", "default_zone"),
        ({"image_zone": "FECHA"}, "zone_takes_no_images", "image_zone"),
        ({"table_map": {"VOTE": {**VOTE, "table_id": "TBL_NADA"}}}, "table_unknown", "table_map.VOTE"),
        (
            {"table_map": {"VOTE": {**VOTE, "columns": {**VOTE["columns"], "COLOR": "subject"}}}},
            "column_unknown",
            "table_map.VOTE.COLOR",
        ),
        ({"field_map": {"NADA": "metadata.city"}}, "field_unknown", "field_map.NADA"),
        ({"intents": {"VOTE": {"template_id": "TPL_NADA"}}}, "intent_template_undescribed", "intents.VOTE"),
        ({"entity_dictionary": {"Jhon": "=1+1"}}, "text_is_formula", "entity_dictionary.Jhon"),
        ({"members": ['=HYPERLINK("http://x")']}, "text_is_formula", 'members.=HYPERLINK("http://x")'),
        ({"hotwords": ["Quib\x07dó"]}, "text_not_printable", "hotwords.Quib\x07dó"),
    ],
)
def test_what_can_not_work_is_an_error_with_its_place(changes: dict[str, Any], code: str, path: str) -> None:
    errors = {(problem.code, ".".join(problem.path)) for problem in found(**changes) if problem.is_error}
    assert errors == {(code, path)}


@pytest.mark.parametrize(
    ("changes", "code", "path"),
    [
        (
            {"zone_map": {name: place for name, place in ZONES.items() if name != "TPL_VOTACION"}},
            "template_unmapped",
            "templates.TPL_VOTACION",
        ),
        ({"field_map": {}}, "placeholder_unused", "places.FECHA"),
        ({"entity_dictionary": {"John": "John"}}, "dictionary_no_op", "entity_dictionary.John"),
        ({"intents": {"DREAM": {"template_id": "TPL_DEBATE"}}}, "intent_unknown", "intents.DREAM"),
        ({"table_map": {"VOTE": {**VOTE, "columns": {}}}}, "column_unfilled", "table_map.VOTE.RESULTADO"),
        (
            {"table_map": {"VOTE": {**VOTE, "columns": {**VOTE["columns"], "RESULTADO": "colour"}}}},
            "column_value_unknown",
            "table_map.VOTE.RESULTADO",
        ),
    ],
)
def test_what_is_doubtful_is_a_warning(changes: dict[str, Any], code: str, path: str) -> None:
    all_found = found(**changes)
    assert [problem for problem in all_found if problem.is_error] == []
    assert (code, path) in {(problem.code, ".".join(problem.path)) for problem in all_found}


def test_errors_come_first_and_say_what_they_are_about() -> None:
    zones = {name: place for name, place in ZONES.items() if name != "TPL_CIERRE"}
    all_found = found(zone_map={**zones, "TPL_VARIOS": "TBL_VOTACION"})
    assert [problem.is_error for problem in all_found] == sorted(
        (problem.is_error for problem in all_found), reverse=True
    )
    assert all_found[0].message == "TPL_VARIOS: TBL_VOTACION is a table and can't take text."
    assert all_found[0].to_json()["severity"] == "error"
