"""What is wrong or doubtful in a configuration, against a skeleton and against what CORE can say. Pure.

An error keeps a configuration from being published, a warning does not. Messages are English with named values; the
edge translates them (they are marked for the translators here).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, Final

from tenants.config.schema import ConfigContent
from tenants.skeleton.model import PlaceholderKind


def gettext_noop(text: str) -> str:
    """Mark a text for the translators."""
    return text


class Severity(StrEnum):
    """Whether a problem keeps the configuration from being published."""

    ERROR = "error"
    WARNING = "warning"


_MESSAGES: Final[dict[str, tuple[Severity, str]]] = {
    "template_undescribed": (
        Severity.ERROR,
        gettext_noop("%(source)s: the template is mapped but not described under templates."),
    ),
    "placeholder_unknown": (Severity.ERROR, gettext_noop("%(source)s: the skeleton has no placeholder %(place)s.")),
    "zone_is_table": (Severity.ERROR, gettext_noop("%(source)s: %(place)s is a table and can't take text.")),
    "zone_takes_no_blocks": (
        Severity.ERROR,
        gettext_noop("%(source)s: %(place)s is no zone of blocks; what goes there would land in the default zone."),
    ),
    "zone_takes_no_images": (Severity.ERROR, gettext_noop("%(source)s: %(place)s can't take images.")),
    "table_unknown": (Severity.ERROR, gettext_noop("%(source)s: the skeleton has no table %(place)s.")),
    "column_unknown": (Severity.ERROR, gettext_noop("%(source)s: the table %(place)s has no column %(column)s.")),
    "column_unfilled": (
        Severity.WARNING,
        gettext_noop("%(source)s: nothing fills the column %(column)s of %(place)s."),
    ),
    "column_value_unknown": (
        Severity.WARNING,
        gettext_noop("%(source)s: the column %(column)s takes “%(value)s”, which this intent does not have."),
    ),
    "field_unknown": (Severity.ERROR, gettext_noop("%(source)s: the skeleton has no field %(source)s.")),
    "intent_template_undescribed": (
        Severity.ERROR,
        gettext_noop("%(source)s: its template %(place)s is not described under templates."),
    ),
    "intent_unknown": (Severity.WARNING, gettext_noop("%(source)s: CORE knows no such intent.")),
    "template_unmapped": (
        Severity.WARNING,
        gettext_noop("%(source)s: the template has no zone; its blocks go to the default zone."),
    ),
    "placeholder_unused": (Severity.WARNING, gettext_noop("%(source)s: nothing is sent to this placeholder.")),
    "dictionary_no_op": (Severity.WARNING, gettext_noop("%(source)s: it is corrected into itself.")),
    "text_is_formula": (
        Severity.ERROR,
        gettext_noop("%(source)s: a text that begins like a spreadsheet's formula (= + @) is not taken."),
    ),
    "text_not_printable": (Severity.ERROR, gettext_noop("%(source)s: the text holds control characters.")),
}
FITTING: Final = frozenset(
    {"template_undescribed", "placeholder_unknown", "zone_is_table", "table_unknown", "field_unknown"}
)
"""What a session is refused for at its start. The other errors came later: what was published before them goes on."""

_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong or doubtful; `path` leads to it in the content (`zone_map`, `TPL_VOTACION`)."""

    code: str
    path: tuple[str, ...]
    values: Mapping[str, str]

    @property
    def severity(self) -> Severity:
        """Whether it keeps the configuration from being published."""
        return _MESSAGES[self.code][0]

    @property
    def is_error(self) -> bool:
        """Say whether it keeps the configuration from being published."""
        return self.severity is Severity.ERROR

    @property
    def template(self) -> str:
        """The English message, with the names of its values in it."""
        return _MESSAGES[self.code][1]

    @property
    def message(self) -> str:
        """The English message."""
        return self.template % self.values

    def to_json(self) -> dict[str, Any]:
        """Return the problem as programs read it."""
        return {**asdict(self), "severity": str(self.severity), "message": self.message, "path": list(self.path)}


@dataclass(frozen=True, slots=True)
class Place:
    """A placeholder of the skeleton, as far as the checks need it."""

    tag: str
    kind: str
    columns: tuple[str, ...] = ()

    @classmethod
    def all_of(cls, placeholders: Sequence[Mapping[str, Any]]) -> dict[str, Place]:
        """Return the places of a skeleton version's stored placeholders, by name, in the order of the document."""
        return {
            found["tag"]: cls(found["tag"], found["kind"], tuple(found.get("columns") or ())) for found in placeholders
        }


def problems(
    config: ConfigContent, places: Mapping[str, Place], intents: Mapping[str, Collection[str]] | None = None
) -> list[Problem]:
    """Return everything found, errors first, each group in the order of the content.

    `intents` are what CORE can say, with the fields of each; without them nothing is said about intents.
    """
    found = [
        *_zones(config, places),
        *_tables(config, places, intents),
        *(_problem("field_unknown", ("field_map", tag), tag) for tag in config.field_map if tag not in places),
        *_intents(config, intents),
        *(_problem("template_unmapped", ("templates", t), t) for t in config.templates if t not in config.zone_map),
        *(_problem("placeholder_unused", ("places", tag), tag) for tag in unused_places(config, places)),
        *_words(config),
    ]
    return sorted(found, key=lambda problem: not problem.is_error)


def unused_places(config: ConfigContent, places: Mapping[str, Place]) -> list[str]:
    """Return the placeholders that nothing is sent to. Signatures are signed on paper and need nothing."""
    used = {
        config.default_zone,
        config.image_zone,
        *config.zone_map.values(),
        *config.field_map,
        *(table.table_id for table in config.table_map.values()),
    }
    return [tag for tag, place in places.items() if tag not in used and place.kind != PlaceholderKind.SIGNATURE]


def _problem(code: str, path: tuple[str, ...], source: str, place: str = "", **values: str) -> Problem:
    return Problem(code, path, {"source": source, "place": place, **values})


def _zones(config: ConfigContent, places: Mapping[str, Place]) -> Iterator[Problem]:
    for template_id in config.zone_map:
        if template_id not in config.templates:
            yield _problem("template_undescribed", ("zone_map", template_id), template_id)
    wanted: list[tuple[tuple[str, ...], str, str]] = [
        (("zone_map", source), source, tag) for source, tag in config.zone_map.items()
    ]
    wanted.append((("default_zone",), "default_zone", config.default_zone))
    for path, source, tag in wanted:
        yield from _zone(path, source, tag, places, (PlaceholderKind.BLOCK_ZONE,), "zone_takes_no_blocks")
    if config.image_zone:
        takers = (PlaceholderKind.IMAGE, PlaceholderKind.BLOCK_ZONE)
        yield from _zone(("image_zone",), "image_zone", config.image_zone, places, takers, "zone_takes_no_images")


def _zone(
    path: tuple[str, ...], source: str, tag: str, places: Mapping[str, Place], takers: Collection[str], else_code: str
) -> Iterator[Problem]:
    place = places.get(tag)
    if place is None:
        yield _problem("placeholder_unknown", path, source, tag)
    elif place.kind == PlaceholderKind.TABLE:
        yield _problem("zone_is_table", path, source, tag)
    elif place.kind not in takers:
        yield _problem(else_code, path, source, tag)


def _tables(
    config: ConfigContent, places: Mapping[str, Place], intents: Mapping[str, Collection[str]] | None
) -> Iterator[Problem]:
    for intent, table in config.table_map.items():
        path, place = ("table_map", intent), places.get(table.table_id)
        if place is None or place.kind != PlaceholderKind.TABLE:
            yield _problem("table_unknown", path, intent, table.table_id)
            continue
        for column in table.columns:
            if column not in place.columns:
                yield _problem("column_unknown", (*path, column), intent, table.table_id, column=column)
        for column in place.columns:
            if column not in table.columns:
                yield _problem("column_unfilled", (*path, column), intent, table.table_id, column=column)
        known = (intents or {}).get(intent)
        for column, value in table.columns.items():
            if known is not None and value not in known:
                yield _problem("column_value_unknown", (*path, column), intent, column=column, value=value)


def _intents(config: ConfigContent, intents: Mapping[str, Collection[str]] | None) -> Iterator[Problem]:
    for name, spec in config.intents.items():
        if spec.template_id not in config.templates:
            yield _problem("intent_template_undescribed", ("intents", name), name, spec.template_id)
    for group in ("intents", "table_map"):
        for name in getattr(config, group):
            if intents is not None and name not in intents:
                yield _problem("intent_unknown", (group, name), name)


def _words(config: ConfigContent) -> Iterator[Problem]:
    """Texts that leave the product in lists: a spreadsheet must not run them. Samples are shown, never exported."""
    for heard, written in config.entity_dictionary.items():
        if heard == written:
            yield _problem("dictionary_no_op", ("entity_dictionary", heard), heard)
    texts = [
        *((("templates", name), spec.label) for name, spec in config.templates.items()),
        *((("intents", name), spec.label or "") for name, spec in config.intents.items()),
        *((("entity_dictionary", heard), heard) for heard in config.entity_dictionary),
        *((("entity_dictionary", heard), written) for heard, written in config.entity_dictionary.items()),
        *((("members", name), name) for name in config.members),
        *((("hotwords", word), word) for word in config.hotwords),
        *((("style_map", role), style) for role, style in config.style_map.items()),
    ]
    for path, text in texts:
        if text.startswith(_FORMULA):
            yield _problem("text_is_formula", path, path[-1])
        if _CONTROL.search(text):
            yield _problem("text_not_printable", path, _CONTROL.sub("�", path[-1]))
