"""The schema of a configuration (`astra.config/1`): pure, checked before anything is published."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

Name = Annotated[str, StringConstraints(pattern=r"^[A-Z][A-Z0-9_]{1,63}$")]
FieldSource = Annotated[str, StringConstraints(pattern=r"^(metadata\.\w+|session\.\w+|[A-Z_]+\.\w+)$", max_length=120)]
Text = Annotated[str, StringConstraints(min_length=1, max_length=300)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class TemplateSpec(_Strict):
    """A template (`TPL_…`) that CORE may find."""

    label: Text


class TableSpec(_Strict):
    """How a structured intent becomes rows of a table: marker of a column → key of the row."""

    table_id: Annotated[str, StringConstraints(pattern=r"^TBL_[A-Z0-9_]+$")]
    rows: Literal["attendance", "self"]
    columns: dict[Name, Text]


class ConfigContent(_Strict):
    """Everything of a tenant that a session pins, beside its skeleton."""

    schema_: Literal["astra.config/1"] = Field(alias="schema")
    templates: dict[Name, TemplateSpec]
    zone_map: dict[Name, Name]
    default_zone: Name
    table_map: dict[Name, TableSpec] = {}
    field_map: dict[Name, FieldSource] = {}
    style_map: dict[Name, Text] = {}
    image_zone: Name | None = None
    entity_dictionary: dict[Text, Text] = {}
    members: list[Text] = []
    hotwords: list[Text] = []

    def problems(self, placeholder_kinds: dict[str, str]) -> list[str]:
        """Compare with the skeleton's placeholders (tag → kind) and list what can't work, one sentence each."""
        found = [
            f"{template}: the template is mapped but not described under templates."
            for template in self.zone_map
            if template not in self.templates
        ]
        wanted = {**self.zone_map, "default_zone": self.default_zone}
        if self.image_zone:
            wanted["image_zone"] = self.image_zone
        for source, placeholder in wanted.items():
            kind = placeholder_kinds.get(placeholder)
            if kind is None:
                found.append(f"{source}: the skeleton has no placeholder {placeholder}.")
            elif kind == "table":
                found.append(f"{source}: {placeholder} is a table and can't take text.")
        for intent, table in self.table_map.items():
            if placeholder_kinds.get(table.table_id) != "table":
                found.append(f"{intent}: the skeleton has no table {table.table_id}.")
        found += [
            f"{name}: the skeleton has no field {name}." for name in self.field_map if name not in placeholder_kinds
        ]
        return found
