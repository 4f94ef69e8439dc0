"""Differences between two configurations, and edits that make them."""

from __future__ import annotations

from typing import Any

import pytest

from tenants.config.diff import Change, applied, differences, grouped
from tenants.config.edits import edited
from tenants.config.schema import ConfigContent
from tenants.config.suggestions import Reason, suggest
from tenants.errors import ConfigInvalid
from tests.config.samples import content, places


def after(operation: str, **values: Any) -> dict[str, Any]:
    return ConfigContent.read(edited(content(), operation, values)).to_json()


BEFORE = ConfigContent.read(content()).to_json()
VOTE = {"intent": "VOTE", "table_id": "TBL_VOTACION", "columns": {"ASUNTO": "subject", "A_FAVOR": ""}}


@pytest.mark.parametrize(
    ("operation", "values", "expected"),
    [
        (
            "map_template",
            {"template_id": "TPL_DEBATE", "place": "ZONA_VARIOS"},
            [("zone_map.TPL_DEBATE", "changed", "ZONA_DEBATE", "ZONA_VARIOS")],
        ),
        (
            "map_template",
            {"template_id": "TPL_DEBATE", "place": ""},
            [("zone_map.TPL_DEBATE", "removed", "ZONA_DEBATE", None)],
        ),
        (
            "map_template",
            {"template_id": "TPL_NUEVA", "place": "ZONA_VARIOS", "label": "Nueva"},
            [
                ("templates.TPL_NUEVA", "added", None, {"label": "Nueva"}),
                ("zone_map.TPL_NUEVA", "added", None, "ZONA_VARIOS"),
            ],
        ),
        ("set_word", {"heard": "Cuibdó", "written": "Quibdó"}, [("entity_dictionary.Cuibdó", "added", None, "Quibdó")]),
        ("set_word", {"heard": "Jhon", "written": ""}, [("entity_dictionary.Jhon", "removed", "John", None)]),
        ("set_default_zone", {"place": "ZONA_DEBATE"}, [("default_zone", "changed", "ZONA_VARIOS", "ZONA_DEBATE")]),
        ("set_image_zone", {"place": ""}, [("image_zone", "changed", "IMG_ANEXO", None)]),
        (
            "set_style",
            {"role": "NOTE", "style": "Nota"},
            [("style_map.NOTE", "changed", "Nota del sistema", "Nota")],
        ),
        (
            "map_field",
            {"place": "CIUDAD", "source": ""},
            [("field_map.CIUDAD", "removed", "metadata.city", None)],
        ),
        (
            "set_names",
            {"which": "hotwords", "names": ["Quibdó", "Mosquera", "Zapata", "Bojayá"]},
            [("hotwords.Caicedo", "removed", "Caicedo", None), ("hotwords.Bojayá", "added", None, "Bojayá")],
        ),
        (
            "describe_intent",
            {"intent": "RECESS", "template_id": "TPL_VARIOS"},
            [("intents.RECESS", "added", None, {"fields": {}, "label": None, "template_id": "TPL_VARIOS"})],
        ),
        (
            "describe_intent",
            {"intent": "VOTE", "core_template_id": "TPL_VOTACION", "label": "Decisión"},
            [("intents.VOTE", "added", None, {"fields": {}, "label": "Decisión", "template_id": "TPL_VOTACION"})],
        ),
        ("describe_intent", {"intent": "VOTE", "core_template_id": "TPL_VOTACION", "label": ""}, []),
    ],
)
def test_an_edit_changes_what_it_says_and_nothing_else(
    operation: str, values: dict[str, Any], expected: list[tuple[str, str, Any, Any]]
) -> None:
    found = differences(BEFORE, after(operation, **values))
    assert [(".".join(one.path), one.change, one.before, one.after) for one in found] == expected


@pytest.mark.parametrize(
    ("operation", "values"),
    [
        ("map_template", {"template_id": "TPL_NUEVA", "place": "ZONA_VARIOS"}),
        ("map_template", {"template_id": "TPL_DEBATE", "place": ""}),
        ("describe_template", {"template_id": "TPL_DEBATE", "label": "Debate", "samples": ["Pido la palabra"]}),
        ("set_names", {"which": "members", "names": ["Ana", "John Mosquera"]}),
        ("map_intent", {"intent": "ROLL_CALL", "table_id": ""}),
        ("set_image_zone", {"place": ""}),
    ],
)
def test_changes_are_made_again_on_another_content(operation: str, values: dict[str, Any]) -> None:
    changes = differences(BEFORE, after(operation, **values))
    assert differences(after(operation, **values), applied(BEFORE, changes)) == []
    other = ConfigContent.read({**content(), "entity_dictionary": {"x": "y"}}).to_json()
    assert applied(other, changes)["entity_dictionary"] == {"x": "y"}
    assert {one.path for one in differences(other, applied(other, changes))} == {one.path for one in changes}


def test_columns_that_take_nothing_are_left_out() -> None:
    assert after("map_intent", **VOTE)["table_map"]["VOTE"]["columns"] == {"ASUNTO": "subject"}


def test_the_order_of_names_is_no_difference() -> None:
    assert differences(BEFORE, {**BEFORE, "members": BEFORE["members"][::-1]}) == []


def test_differences_are_grouped_for_people() -> None:
    changed = edited(
        after("set_word", heard="a", written="b"), "map_template", {"template_id": "TPL_DEBATE", "place": ""}
    )
    groups = grouped(differences(BEFORE, changed))
    assert {name: [one.change for one in group] for name, group in groups.items()} == {
        "entity_dictionary": [Change.ADDED],
        "zone_map": [Change.REMOVED],
    }


@pytest.mark.parametrize(
    ("operation", "values"),
    [
        ("drop_everything", {}),
        ("map_template", {}),
        ("map_template", {"template_id": "tpl lower", "place": "ZONA_VARIOS"}),
        ("map_template", {"template_id": "TPL_DEBATE", "place": "<script>"}),
        ("set_names", {"which": "templates", "names": []}),
        ("set_word", {"heard": "a\x00", "written": "b"}),
        ("map_field", {"place": "CIUDAD", "source": "__class__"}),
    ],
)
def test_an_edit_that_makes_no_sense_is_refused(operation: str, values: dict[str, Any]) -> None:
    with pytest.raises(ConfigInvalid):
        after(operation, **values)


def test_what_was_published_before_keeps_its_hash() -> None:
    assert "intents" not in BEFORE
    assert all(set(template) == {"label"} for template in BEFORE["templates"].values())


@pytest.mark.parametrize(
    ("template_id", "label", "place", "reason"),
    [
        ("TPL_VOTACION", "Votación", "ZONA_VOTACION", Reason.SAME_NAME),
        ("TPL_PROPOSICION", "Proposición", "ZONA_PROPOSICIONES", Reason.SIMILAR_NAME),
        ("TPL_X9", "Cierre", "ZONA_CIERRE", Reason.LABEL),
    ],
)
def test_places_are_suggested_with_a_reason(template_id: str, label: str, place: str, reason: Reason) -> None:
    suggestion = suggest(template_id, label, places().values())
    assert suggestion is not None
    assert (suggestion.place, suggestion.reason) == (place, reason)


def test_nothing_is_suggested_for_what_is_like_nothing() -> None:
    assert suggest("TPL_HIMNO", "Himno nacional", places().values()) is None
