"""The edits of a draft: each takes a content and returns the next one. Pure.

An edit checks what it is given only as far as it needs to; the result is checked against the schema as a whole.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from tenants.config.schema import SCHEMA
from tenants.errors import ConfigInvalid

Content = dict[str, Any]
Values = Mapping[str, Any]


def empty_content(default_zone: str, templates: Mapping[str, str]) -> Content:
    """Return what a council begins with: the templates that CORE knows (id → label), none of them mapped."""
    described = {template_id: {"label": label} for template_id, label in templates.items()}
    return {"schema": SCHEMA, "templates": described, "zone_map": {}, "default_zone": default_zone}


def map_template(content: Content, values: Values) -> Content:
    """Send a template's blocks to a place; to the default zone where none is named. An unknown one is described."""
    template_id, place = _text(values, "template_id"), values.get("place") or None
    known = content["templates"]
    described = known if template_id in known else {**known, template_id: {"label": values.get("label") or template_id}}
    return {**content, "templates": described, "zone_map": _with(content["zone_map"], template_id, place)}


def map_templates(content: Content, values: Values) -> Content:
    """Send several templates to their places at once (`places`: template → place)."""
    return {**content, "zone_map": {**content["zone_map"], **values["places"]}}


def describe_template(content: Content, values: Values) -> Content:
    """Name a template, and with `samples` say which texts belong to it."""
    template_id = _text(values, "template_id")
    spec = {**content["templates"].get(template_id, {}), "label": _text(values, "label")}
    if "samples" in values:
        spec["samples"] = list(values["samples"])
    return {**content, "templates": {**content["templates"], template_id: spec}}


def remove_template(content: Content, values: Values) -> Content:
    """Forget a template and where it went."""
    template_id = _text(values, "template_id")
    return {
        **content,
        "templates": _with(content["templates"], template_id, None),
        "zone_map": _with(content["zone_map"], template_id, None),
    }


def set_default_zone(content: Content, values: Values) -> Content:
    """Say where everything without a place of its own goes."""
    return {**content, "default_zone": _text(values, "place")}


def set_image_zone(content: Content, values: Values) -> Content:
    """Say where images go; nowhere of their own where no place is named."""
    return {**content, "image_zone": values.get("place") or None}


def map_intent(content: Content, values: Values) -> Content:
    """Let an intent's data fill a table (`columns`: column → key of the data), or none where no table is named."""
    intent, table_id = _text(values, "intent"), values.get("table_id") or None
    spec = None
    if table_id is not None:
        columns = {column: key for column, key in values.get("columns", {}).items() if key}
        spec = {"table_id": table_id, "rows": values.get("rows") or "self", "columns": columns}
    return {**content, "table_map": _with(content.get("table_map", {}), intent, spec)}


def describe_intent(content: Content, values: Values) -> Content:
    """Give an intent's blocks a template and a label of the council's own; CORE's again where neither is named.

    A label alone keeps CORE's template, which `core_template_id` names.
    """
    intent, label = _text(values, "intent"), values.get("label") or None
    template_id = values.get("template_id") or (values.get("core_template_id") if label else None) or None
    known = content.get("intents", {})
    spec = None
    if template_id is not None:
        spec = {**known.get(intent, {}), "template_id": template_id, "label": label}
    return {**content, "intents": _with(known, intent, spec)}


def map_field(content: Content, values: Values) -> Content:
    """Fill a field of the document from a source (`metadata.city`); leave it empty where none is named."""
    return _entry(content, "field_map", _text(values, "place"), values.get("source") or None)


def set_word(content: Content, values: Values) -> Content:
    """Correct a word that is heard into the one to be written; forget the correction where none is given."""
    return _entry(content, "entity_dictionary", _text(values, "heard"), values.get("written") or None)


def set_style(content: Content, values: Values) -> Content:
    """Give what the builder writes (`SPEECH`, `HEADING`, `NOTE`) a style of the skeleton; or none."""
    return _entry(content, "style_map", _text(values, "role"), values.get("style") or None)


def set_names(content: Content, values: Values) -> Content:
    """Replace the members of the council or the words that the engine listens for."""
    which = _text(values, "which")
    if which not in {"members", "hotwords"}:
        raise ConfigInvalid("config_edit_invalid", "Only members and hotwords are lists of names.")
    return {**content, which: list(dict.fromkeys(values["names"]))}


def replace_all(content: Content, values: Values) -> Content:
    """Replace the whole content: an import, or an older version taken up again."""
    return dict(values["content"])


EDITS: Final[dict[str, Callable[[Content, Values], Content]]] = {
    edit.__name__: edit
    for edit in (
        *(map_template, map_templates, describe_template, remove_template, set_default_zone, set_image_zone),
        *(map_intent, describe_intent, map_field, set_word, set_style, set_names, replace_all),
    )
}


def edited(content: Content, operation: str, values: Values) -> Content:
    """Return the content after an edit. Raises `ConfigInvalid` (`config_edit_invalid`) for one that makes no sense."""
    edit = EDITS.get(operation)
    if edit is None:
        raise ConfigInvalid("config_edit_invalid", "There is no such edit of a configuration.")
    return edit(content, values)


def _entry(content: Content, group: str, key: str, value: str | None) -> Content:
    return {**content, group: _with(content.get(group, {}), key, value)}


def _with(group: Mapping[str, Any], key: str, value: Any) -> dict[str, Any]:
    """Return a group with an entry set, or without it where the value is None."""
    without = {name: held for name, held in group.items() if name != key}
    if value is None:
        return without
    return {**group, key: value}


def _text(values: Values, name: str) -> str:
    value = values.get(name)
    if not isinstance(value, str) or not value.strip():
        raise ConfigInvalid("config_edit_invalid", f"The edit needs {name}.")
    return value.strip()
