"""What the mapping page shows, gathered once: rows of templates, the skeleton's places, tables, fields, counters."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tenants.config.checks import Problem
from tenants.config.core import KnownIntent, core, known_templates
from tenants.config.drafts import Draft
from tenants.config.suggestions import Suggestion, suggest
from tenants.mapping.outline import Section, sections_of
from tenants.mapping.words import ICONS, LOCATIONS, Said, say, say_reason
from tenants.models import TemplateSighting
from tenants.skeleton.model import PlaceholderKind
from tenants.skeleton_texts import KINDS


@dataclass(frozen=True, slots=True)
class TemplateRow:
    """A template: what it is, how often it occurred, where it goes, what is wrong with that, and what is suggested."""

    template_id: str
    label: str
    place: str
    count: int
    samples: Sequence[str]
    problems: Sequence[Said]
    suggestion: Suggestion | None
    reason: str
    is_described: bool

    @property
    def state(self) -> str:
        """What the page filters by."""
        if not self.is_described:
            return "new"
        if any(problem.is_error for problem in self.problems):
            return "wrong"
        return "mapped" if self.place else "unmapped"


@dataclass(frozen=True, slots=True)
class PlaceRow:
    """A placeholder of the skeleton and everything that is sent to it."""

    tag: str
    label: str
    kind: str
    kind_label: str
    icon: str
    columns: Sequence[str]
    senders: Sequence[str]
    is_default: bool
    is_unused: bool

    @property
    def takes_blocks(self) -> bool:
        """Say whether a template can be sent here."""
        return self.kind == PlaceholderKind.BLOCK_ZONE


@dataclass(frozen=True, slots=True)
class PlacedSection:
    """A part of the document with its places."""

    title: str
    headings: Sequence[Any]
    places: Sequence[PlaceRow]


@dataclass(frozen=True, slots=True)
class TableRow:
    """An intent: its own template and label, the table that takes its data, and for each column the key of the data.

    `fields` are the keys with what the council calls them.
    """

    intent: KnownIntent
    table_id: str
    columns: Sequence[tuple[str, str]]
    own_template: str
    own_label: str
    fields: Sequence[tuple[str, str]]
    problems: Sequence[Said]


@dataclass(frozen=True, slots=True)
class Screen:
    """Everything on the page; `problems` are those that belong to no row of the list of templates."""

    draft: Draft
    templates: Sequence[TemplateRow]
    sections: Sequence[PlacedSection]
    tables: Sequence[TableRow]
    fields: Sequence[tuple[PlaceRow, str, Sequence[Said]]]
    problems: Sequence[Said]
    counters: Mapping[str, int]
    utterances: Sequence[str] = field(default=())

    def row(self, template_id: str) -> TemplateRow | None:
        """Return the row of a template, None where there is none."""
        return next((row for row in self.templates if row.template_id == template_id), None)

    @property
    def places(self) -> list[PlaceRow]:
        """Every place in the order of the document."""
        return [place for section in self.sections for place in section.places]

    @property
    def zones(self) -> list[PlaceRow]:
        """The places that take blocks."""
        return [place for place in self.places if place.takes_blocks]

    @property
    def lost_zone(self) -> str:
        """The default zone where the skeleton has it no more; else nothing."""
        zone = str(self.draft.content["default_zone"])
        return "" if zone in {place.tag for place in self.zones} else zone

    @property
    def lost_image_zone(self) -> str:
        """The zone of images where the skeleton has it no more; else nothing."""
        zone = str(self.draft.content.get("image_zone") or "")
        return "" if zone in {place.tag for place in self.image_zones} else zone

    @property
    def image_zones(self) -> list[PlaceRow]:
        """The places that take images."""
        return [place for place in self.places if place.takes_blocks or place.kind == PlaceholderKind.IMAGE]

    @property
    def table_ids(self) -> list[str]:
        """The tables of the skeleton."""
        return [place.tag for place in self.places if place.kind == PlaceholderKind.TABLE]


def screen_of(draft: Draft) -> Screen:
    """Gather the page in a fixed number of queries, however many templates there are."""
    found = draft.problems
    by_path: dict[tuple[str, str], list[Said]] = defaultdict(list)
    for problem in found:
        by_path[problem.path[0], problem.path[1] if len(problem.path) > 1 else ""].append(say(problem, beside=True))
    seen = {row.template_id: row for row in TemplateSighting.objects.all()}
    templates = _templates(draft, seen, by_path)
    unused = {problem.path[1] for problem in found if problem.code == "placeholder_unused"}
    sections = [_section(section, draft, unused) for section in sections_of(draft.skeleton)]
    fields = _fields(sections, draft, by_path)
    return Screen(
        draft=draft,
        templates=templates,
        sections=sections,
        tables=_tables(draft, by_path),
        fields=fields,
        problems=[say(problem) for problem in found if problem.path[0] not in {"zone_map", "templates", "places"}],
        counters=_counters(draft, found, templates),
        utterances=[text for row in seen.values() for text in row.samples][:200],
    )


def suggested_places(draft: Draft) -> dict[str, str]:
    """Return a place for each described template that has none and is like one."""
    places = draft.places.values()
    unmapped = [name for name in draft.content["templates"] if name not in draft.content["zone_map"]]
    found = {name: suggest(name, draft.content["templates"][name]["label"], places) for name in unmapped}
    return {name: suggestion.place for name, suggestion in found.items() if suggestion}


def _templates(
    draft: Draft, seen: Mapping[str, TemplateSighting], by_path: Mapping[tuple[str, str], list[Said]]
) -> list[TemplateRow]:
    """Return discovered templates first, then the described ones in the order of a session."""
    described, zone_map = draft.content["templates"], draft.content["zone_map"]
    order = {name: number for number, name in enumerate(known_templates())}
    discovered = sorted(seen.keys() - described.keys() - zone_map.keys())
    known = sorted({*described, *zone_map}, key=lambda name: (order.get(name, len(order)), name))
    places = list(draft.places.values())
    rows = []
    for name in [*discovered, *known]:
        sighting, spec = seen.get(name), described.get(name)
        label = spec["label"] if spec else sighting.label if sighting else name
        place = zone_map.get(name, "")
        suggestion = None if place else suggest(name, label, places)
        rows.append(
            TemplateRow(
                template_id=name,
                label=label,
                place=place,
                count=sighting.count if sighting else 0,
                samples=(sighting.samples if sighting else []) or (spec or {}).get("samples", []),
                problems=[*by_path.get(("zone_map", name), []), *by_path.get(("templates", name), [])],
                suggestion=suggestion,
                reason=say_reason(suggestion, label) if suggestion else "",
                is_described=spec is not None,
            )
        )
    return rows


def _section(section: Section, draft: Draft, unused: Collection[str]) -> PlacedSection:
    title = str(LOCATIONS.get(section.location, "")) if not section.headings else section.headings[0].text
    places = [_place(item, draft, unused) for item in section.placeholders]
    return PlacedSection(title or section.location.removeprefix("Body:"), section.headings[1:], places)


def _place(item: Mapping[str, Any], draft: Draft, unused: Collection[str]) -> PlaceRow:
    content, tag = draft.content, item["tag"]
    described = content["templates"]
    senders = [
        described.get(name, {}).get("label", name) for name, place in content["zone_map"].items() if place == tag
    ]
    senders += [intent for intent, table in content.get("table_map", {}).items() if table["table_id"] == tag]
    senders += [source for place, source in content.get("field_map", {}).items() if place == tag]
    return PlaceRow(
        tag=tag,
        label=item["label"] if item["label"] != tag else "",
        kind=item["kind"],
        kind_label=str(KINDS.get(item["kind"], item["kind"])),
        icon=ICONS.get(item["kind"], "help"),
        columns=item.get("columns") or (),
        senders=senders,
        is_default=content["default_zone"] == tag,
        is_unused=tag in unused,
    )


def _tables(draft: Draft, by_path: Mapping[tuple[str, str], list[Said]]) -> list[TableRow]:
    table_map, own = draft.content.get("table_map", {}), draft.content.get("intents", {})
    rows = []
    for intent in core().intents():
        spec = table_map.get(intent.name)
        place = draft.places.get(spec["table_id"]) if spec else None
        columns = place.columns if place else tuple(spec["columns"]) if spec else ()
        rows.append(
            TableRow(
                intent=intent,
                table_id=spec["table_id"] if spec else "",
                columns=[(column, spec["columns"].get(column, "") if spec else "") for column in columns],
                own_template=own.get(intent.name, {}).get("template_id", ""),
                own_label=own.get(intent.name, {}).get("label") or "",
                fields=[(key, own.get(intent.name, {}).get("fields", {}).get(key, key)) for key in intent.fields],
                problems=[*by_path.get(("table_map", intent.name), []), *by_path.get(("intents", intent.name), [])],
            )
        )
    return rows


def _fields(
    sections: Sequence[PlacedSection], draft: Draft, by_path: Mapping[tuple[str, str], list[Said]]
) -> list[tuple[PlaceRow, str, Sequence[Said]]]:
    sources = draft.content.get("field_map", {})
    kinds = (PlaceholderKind.TEXT, PlaceholderKind.SIGNATURE)
    listed = [place for section in sections for place in section.places if place.kind in kinds or place.tag in sources]
    known = {place.tag for place in listed}
    lost = [{"tag": tag, "label": tag, "kind": PlaceholderKind.TEXT} for tag in sorted(sources.keys() - known)]
    listed += [_place(item, draft, ()) for item in lost]  # the skeleton has them no more: emptied here, they go
    return [(place, sources.get(place.tag, ""), by_path.get(("field_map", place.tag), [])) for place in listed]


def _counters(draft: Draft, found: Sequence[Problem], templates: Sequence[TemplateRow]) -> dict[str, int]:
    return {
        "templates": len(templates),
        "unmapped": sum(not row.place for row in templates),
        "new": sum(not row.is_described for row in templates),
        "unused": sum(problem.code == "placeholder_unused" for problem in found),
        "errors": sum(problem.is_error for problem in found),
        "warnings": sum(not problem.is_error for problem in found),
        "changes": len(draft.changes),
        "suggested": sum(row.suggestion is not None and row.is_described for row in templates),
    }
