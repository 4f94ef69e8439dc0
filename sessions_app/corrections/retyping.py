"""Corrections of what a block means, through the session's pinned configuration."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_origin

from pydantic import ValidationError

from astra_site.lib.hashing import canonical_json
from sessions_app.corrections.operations import Pins, Retype
from sessions_app.errors import CorrectionConflict, CorrectionInvalid
from sessions_app.understanding.pack import SPANISH
from sessions_app.understanding.schema import DATA_BY_INTENT
from sessions_app.understanding.types import Intent

Block = Mapping[str, Any]
MAX_DATA_BYTES = 64 * 1024
_FIELDS = frozenset({"intent", "template_id", "zone", "data"})
_SPOKEN = frozenset({"TEMPLATE", "TEXT", "TABLE"})


def retyped(block: Block, operation: Retype, pins: Pins) -> dict[str, Any]:
    """Return the block with another intent, template, zone or data, and with all that follows from it.

    Blocks that are no words (images, notes, pending audio) have a zone only. Raises `CorrectionInvalid`
    (`retype_empty`, `intent_unknown`, `template_unknown`, `zone_unknown`, `data_invalid`, `data_too_large`) and
    `CorrectionConflict` (`block_without_text`).
    """
    changes = operation.changes
    if not changes or not changes.keys() <= _FIELDS:
        raise CorrectionInvalid("retype_empty", "A retype changes intent, template_id, zone or data.")
    if block["type"] not in _SPOKEN:
        return _elsewhere(block, changes, pins)
    intent = _intent(changes.get("intent") or block["intent"])
    made = {**block, "intent": intent}
    if "template_id" in changes or intent != block["intent"]:
        made |= _template(changes, intent, pins)
    if "zone" in changes or made["template_id"] != block["template_id"]:
        made["target_placeholder"] = _zone(changes.get("zone"), made["template_id"], pins)
    data = {} if intent != block["intent"] else block["data"]
    made["data"] = _data(intent, {**data, **changes["data"]}) if changes.get("data") is not None else data
    made["table_id"] = pins.tables.get(intent or "") if made["data"] else None
    return {**made, "needs_review": False}


def as_debate(block: Block, pins: Pins) -> dict[str, Any]:
    """Return a block of words that nobody has classified as what most words are, where it was unless told otherwise."""
    template = pins.own_templates.get(Intent.DEBATE) or SPANISH.templates[Intent.DEBATE]
    known = template in pins.templates
    return {
        **block,
        "type": "TEMPLATE" if known else "TEXT",
        "intent": str(Intent.DEBATE),
        "template_id": template if known else None,
        "label": _label(Intent.DEBATE, pins),
        "target_placeholder": block["target_placeholder"] or pins.zone_map.get(template) or pins.default_zone,
        "data": {},
    }


def check_zone(zone: str | None, allowed: frozenset[str]) -> None:
    """Raise `CorrectionInvalid` (`zone_unknown`) for a zone that the pinned skeleton does not have."""
    if zone is not None and zone not in allowed:
        raise CorrectionInvalid(
            "zone_unknown",
            "The session's skeleton has no such place; `details.zones` lists those that it has.",
            details={"zones": sorted(allowed)},
        )


def _elsewhere(block: Block, changes: Mapping[str, Any], pins: Pins) -> dict[str, Any]:
    if changes.keys() != {"zone"}:
        raise CorrectionConflict(
            "block_without_text",
            "This block holds no words: only its zone can be changed. Type the words first.",
            details={"block_id": block["block_id"], "type": block["type"]},
        )
    check_zone(changes["zone"], pins.image_zones if block["type"] == "IMAGE" else pins.zones)
    return {**block, "target_placeholder": changes["zone"]}


def _intent(name: str | None) -> str | None:
    if name is not None and name not in set(Intent):
        raise CorrectionInvalid(
            "intent_unknown", "There is no such intent.", details={"intents": [str(intent) for intent in Intent]}
        )
    return name


def _template(changes: Mapping[str, Any], intent: str | None, pins: Pins) -> dict[str, Any]:
    """Return type, template and label: of the template that is asked for, else of the one that the intent has."""
    template = changes.get("template_id")
    if template is not None and template not in pins.templates:
        raise CorrectionInvalid(
            "template_unknown",
            "The session's configuration has no such template.",
            details={"templates": sorted(pins.templates)},
        )
    if "template_id" not in changes and intent is not None:
        usual = pins.own_templates.get(intent) or SPANISH.templates[Intent(intent)]
        template = usual if usual in pins.templates else None
    label = _label(intent, pins) if intent else pins.templates.get(template or "", "")
    return {"type": "TEMPLATE" if template else "TEXT", "template_id": template, "label": label}


def _label(intent: str, pins: Pins) -> str:
    return pins.own_labels.get(intent) or SPANISH.labels[Intent(intent)]


def _zone(asked: str | None, template: str | None, pins: Pins) -> str:
    check_zone(asked, pins.zones)
    return asked or pins.zone_map.get(template or "") or pins.default_zone


def _data(intent: str | None, data: Mapping[str, Any]) -> dict[str, Any]:
    """Return the data as the intent's schema has them; what is left out is unknown."""
    if intent is None:
        raise CorrectionInvalid("data_invalid", "Data belong to an intent: say which.")
    form = DATA_BY_INTENT[Intent(intent)]
    if not form.model_fields:
        raise CorrectionInvalid("data_invalid", f"{intent} has no data.")
    unsaid: dict[str, Any] = {
        name: [] if get_origin(spec.annotation) is tuple else None for name, spec in form.model_fields.items()
    }
    try:
        made = form.model_validate({**unsaid, **data}, strict=False).model_dump(mode="json")
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(step) for step in first["loc"])
        raise CorrectionInvalid(
            "data_invalid",
            f"The data do not fit {intent}: {where}: {first['msg']}.",
            details={"fields": sorted(form.model_fields)},
        ) from error
    if len(canonical_json(made)) > MAX_DATA_BYTES:
        raise CorrectionInvalid("data_too_large", f"A block's data may have {MAX_DATA_BYTES} bytes.")
    return made
