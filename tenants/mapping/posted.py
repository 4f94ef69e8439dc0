"""What a form of the mapping page asks for, as the values of an edit."""

from __future__ import annotations

from typing import Any, Final

from django.http import QueryDict

from tenants.config.drafts import Draft
from tenants.errors import ConfigInvalid
from tenants.mapping.screen import suggested_places

_COLUMN: Final = "column:"
_FIELDS: Final[dict[str, tuple[str, ...]]] = {
    "map_template": ("template_id", "place", "label"),
    "describe_template": ("template_id", "label"),
    "remove_template": ("template_id",),
    "set_default_zone": ("place",),
    "set_image_zone": ("place",),
    "map_intent": ("intent", "table_id", "rows"),
    "describe_intent": ("intent", "template_id", "core_template_id", "label"),
    "map_field": ("place", "source"),
    "set_word": ("heard", "written"),
    "set_style": ("role", "style"),
    "set_names": ("which",),
    "map_templates": (),
}
"""The edits that the page offers, and their fields. A whole content comes by the import alone."""


def edit_of(posted: QueryDict, draft: Draft) -> tuple[str, dict[str, Any]]:
    """Return the edit and its values. Raises `ConfigInvalid` (`config_edit_invalid`) for one that is not offered."""
    operation = posted.get("operation", "")
    if operation not in _FIELDS:
        raise ConfigInvalid("config_edit_invalid", "There is no such edit of a configuration.")
    values: dict[str, Any] = {name: posted.get(name, "").strip() for name in _FIELDS[operation]}
    if operation == "map_intent":
        values["columns"] = {
            name.removeprefix(_COLUMN): posted.get(name, "") for name in posted if name.startswith(_COLUMN)
        }
    elif operation == "set_names":
        values["names"] = [name.strip() for name in posted.get("names", "").splitlines() if name.strip()]
    elif operation == "map_templates":
        values["places"] = suggested_places(draft)
    return operation, values


def number_of(posted: QueryDict, name: str) -> int:
    """Return a small whole number from a form; raise `ConfigInvalid` for anything else."""
    return whole_number(posted.get(name, ""), name)


def whole_number(given: str, name: str) -> int:
    """Return a small whole number; raise `ConfigInvalid` (`config_edit_invalid`) for anything else."""
    if not (given.isascii() and given.isdecimal() and len(given) < 10):
        raise ConfigInvalid("config_edit_invalid", f"The form's {name} is no number.")
    return int(given)
