"""The schema of a configuration (`astra.config/1`): pure, checked before anything is published.

Members that came later have defaults and are left out while they are empty, so that what was published before stays
readable and keeps its hash.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from tenants.errors import ConfigInvalid

SCHEMA: Final = "astra.config/1"
MAX_BYTES: Final = 1024 * 1024
"""What a draft or an imported file may have."""

# No NUL: PostgreSQL keeps none in JSON.
_NO_NUL: Final = r"^[^\x00]*$"
Name = Annotated[str, StringConstraints(pattern=r"^[A-Z][A-Z0-9_]{1,63}$")]
PlaceName = Annotated[str, StringConstraints(pattern=r"^\w[\w .:-]{0,99}$")]
FieldSource = Annotated[
    str,
    StringConstraints(pattern=r"^(metadata\.\w+|session\.\w+|tenant\.name|[A-Z_]+\.\w+)$", max_length=120),
]
Text = Annotated[str, StringConstraints(min_length=1, max_length=300, pattern=_NO_NUL)]
Sample = Annotated[str, StringConstraints(min_length=1, max_length=1_000, pattern=_NO_NUL)]
FieldKey = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,63}$")]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class TemplateSpec(_Strict):
    """A template (`TPL_…`) that CORE may find, with texts that belong to it."""

    label: Text
    samples: list[Sample] = Field(default=[], max_length=20)


class IntentSpec(_Strict):
    """What a council makes of an intent: its own label, the template of its blocks, and labels of its data's fields."""

    template_id: Name
    label: Text | None = None
    fields: dict[FieldKey, Text] = Field(default={}, max_length=50)


class TableSpec(_Strict):
    """How a structured intent becomes rows of a table: marker of a column → key of the row."""

    table_id: PlaceName
    rows: Literal["attendance", "self"]
    columns: dict[PlaceName, Text]


class ConfigContent(_Strict):
    """Everything of a tenant that a session pins, beside its skeleton."""

    schema_: Literal["astra.config/1"] = Field(alias="schema")
    templates: dict[Name, TemplateSpec]
    intents: dict[Name, IntentSpec] = {}
    zone_map: dict[Name, PlaceName]
    default_zone: PlaceName
    table_map: dict[Name, TableSpec] = {}
    field_map: dict[PlaceName, FieldSource] = {}
    style_map: dict[Name, Text] = {}
    image_zone: PlaceName | None = None
    entity_dictionary: dict[Text, Text] = {}
    members: list[Text] = []
    hotwords: list[Text] = []

    @classmethod
    def read(cls, content: Mapping[str, Any]) -> Self:
        """Check a content against the schema.

        Raises:
            ConfigInvalid: `config_invalid`, with a sentence per problem that names its path; no value is repeated.
        """
        try:
            return cls.model_validate(content)
        except ValidationError as error:
            found = error.errors(include_input=False, include_url=False)
            problems = [f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in found]
            raise ConfigInvalid(
                "config_invalid", "The configuration does not fit its schema.", details={"problems": problems}
            ) from error

    def to_json(self) -> dict[str, Any]:
        """Return the content as it is published and hashed."""
        content = self.model_dump(mode="json", by_alias=True)
        if not content["intents"]:
            del content["intents"]
        for template in content["templates"].values():
            if not template["samples"]:
                del template["samples"]
        return content
