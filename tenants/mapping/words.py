"""The mapping page's words: kinds of placeholders, problems, reasons, differences, in the person's language."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from django.utils.text import capfirst
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from tenants.config.checks import Problem
from tenants.config.diff import Difference
from tenants.config.suggestions import Reason, Suggestion

ICONS: Final = {
    "text": "short_text",
    "block_zone": "notes",
    "table": "table_chart",
    "image": "image",
    "signature": "draw",
}
LOCATIONS: Final[dict[str, Any]] = {
    "Header": _("Page header"),
    "Footer": _("Page footer"),
    "Notes": _("Notes"),
    "Body:Section_0": _("Beginning"),
}
GROUPS: Final[dict[str, Any]] = {
    "templates": _("Templates"),
    "zone_map": _("Places of templates"),
    "default_zone": _("Default zone"),
    "image_zone": _("Zone of images"),
    "intents": _("Intents"),
    "table_map": _("Tables"),
    "field_map": _("Fields of the document"),
    "style_map": _("Styles"),
    "entity_dictionary": _("Entity dictionary"),
    "members": _("Members of the council"),
    "hotwords": _("Words that the engine listens for"),
    "schema": _("Schema"),
}
OPERATIONS: Final[dict[str, Any]] = {
    "map_template": _("Template mapped"),
    "map_templates": _("Suggestions accepted"),
    "describe_template": _("Template named"),
    "remove_template": _("Template removed"),
    "set_default_zone": _("Default zone changed"),
    "set_image_zone": _("Zone of images changed"),
    "map_intent": _("Table mapped"),
    "describe_intent": _("Intent's template changed"),
    "map_field": _("Field mapped"),
    "set_word": _("Dictionary changed"),
    "set_style": _("Style changed"),
    "set_names": _("List of names changed"),
    "replace_all": _("Imported from a file"),
    "discard": _("Draft discarded"),
    "publish": _("Published"),
    "roll_back": _("Older version published again"),
}
ROLES_OF_STYLES: Final[dict[str, Any]] = {
    "SPEECH": _("Speeches"),
    "HEADING": _("Headings of points"),
    "NOTE": _("Notes of the system"),
}
_REASONS: Final[dict[Reason, Any]] = {
    Reason.SAME_NAME: _("the same name"),
    Reason.SIMILAR_NAME: _("a similar name, %(percent)d %%"),
    Reason.LABEL: _("its name is like “%(label)s”, %(percent)d %%"),
}
_CHANGES: Final[dict[str, Any]] = {"added": _("added"), "removed": _("removed"), "changed": _("changed")}
_MARKS: Final = {"added": "success", "removed": "danger", "changed": "warning"}


@dataclass(frozen=True, slots=True)
class Said:
    """A problem in words."""

    text: str
    is_error: bool


@dataclass(frozen=True, slots=True)
class SaidDifference:
    """A difference in words: what, how it changed, before and after."""

    what: str
    change: str
    variant: str
    before: str
    after: str


def say(problem: Problem, *, beside: bool = False) -> Said:
    """Return a problem in the person's language; `beside` its row it need not name the row again."""
    text = gettext(problem.template) % problem.values
    if beside:
        text = capfirst(text.removeprefix(f"{problem.values['source']}: "))
    return Said(text, problem.is_error)


def say_reason(suggestion: Suggestion, label: str) -> str:
    """Return why a place is suggested."""
    return str(_REASONS[suggestion.reason]) % {"percent": suggestion.percent, "label": label}


def say_groups(groups: Mapping[str, list[Difference]]) -> list[tuple[str, list[SaidDifference]]]:
    """Return differences in the order in which the page shows the parts of a configuration."""
    return [(str(title), [_say(one) for one in groups[name]]) for name, title in GROUPS.items() if name in groups]


def _say(difference: Difference) -> SaidDifference:
    change = str(difference.change)
    what = " → ".join(difference.path[1:]) or str(GROUPS.get(difference.group, difference.group))
    return SaidDifference(what, _CHANGES[change], _MARKS[change], _value(difference.before), _value(difference.after))


def _value(value: Any) -> str:
    """Return a value as one line."""
    if isinstance(value, Mapping):
        parts = (f"{key}: {_value(held)}" for key, held in value.items() if held not in (None, {}, []))
        return " · ".join(parts)
    if isinstance(value, list):
        return ", ".join(map(_value, value))
    return "—" if value is None else str(value)
