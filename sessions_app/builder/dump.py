"""The session dump (`astra.session-dump/1`) as checked, typed values."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from sessions_app.builder.errors import BuildRefused


class BlockType(StrEnum):
    """What a block is."""

    TEMPLATE = "TEMPLATE"
    TEXT = "TEXT"
    TABLE = "TABLE"
    IMAGE = "IMAGE"
    SYSTEM_NOTE = "SYSTEM_NOTE"
    AUDIO_PENDING = "AUDIO_PENDING"


class BlockStatus(StrEnum):
    """How far a block got."""

    PROCESSING = "PROCESSING"
    READY = "READY"
    PENDING = "PENDING"
    ERROR_PENDING_REVIEW = "ERROR_PENDING_REVIEW"


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class AudioSpan(_Part):
    """The audio of a block: times in milliseconds inside its chunk, the chunk's hash, its offset in the session."""

    sequence_id: int
    start_ms: int
    end_ms: int
    sha256: str
    session_start_ms: int | None = None


class Block(_Part):
    """One block of the session."""

    block_id: str
    sequence_id: int
    part: int
    order: str = ""
    type: BlockType
    status: BlockStatus
    intent: str | None = None
    template_id: str | None = None
    label: str | None = None
    target_placeholder: str | None = None
    table_id: str | None = None
    text: str = ""
    data: dict[str, Any] = Field(default_factory=dict)
    speaker: str | None = None
    topic: str | None = None
    audio: AudioSpan | None = None
    audio_spans: tuple[AudioSpan, ...] = ()

    @property
    def place(self) -> tuple[str, int, int]:
        """Where it stands: `order` sorts as text; a dump without it is in the order of `(sequence_id, part)`."""
        return self.order or f"{self.sequence_id:07d}.{self.part:07d}", self.sequence_id, self.part

    @property
    def is_pending(self) -> bool:
        """Whether there is only audio so far, no final text."""
        return self.type is BlockType.AUDIO_PENDING or self.status is not BlockStatus.READY


class TableRule(_Part):
    """How an intent's data becomes rows of a table: one per attendance entry, or one per block."""

    table_id: str
    rows: Literal["attendance", "self"]
    columns: dict[str, str]


class ConfigContent(_Part):
    """The part of a configuration version that the builder reads."""

    zone_map: dict[str, str] = Field(default_factory=dict)
    default_zone: str | None = None
    table_map: dict[str, TableRule] = Field(default_factory=dict)
    field_map: dict[str, str] = Field(default_factory=dict)
    style_map: dict[str, str] = Field(default_factory=dict)
    image_zone: str | None = None


class SessionFacts(_Part):
    """Who held which session when."""

    id: str
    tenant_id: str
    tenant_name: str
    client_timezone: str
    started_at: AwareDatetime
    metadata: dict[str, Any] = Field(default_factory=dict)

    @property
    def local_start(self) -> dt.datetime:
        """The start of the session as the council's clock showed it."""
        return self.started_at.astimezone(ZoneInfo(self.client_timezone))


class PinnedConfig(_Part):
    """The configuration version that was frozen when the session began."""

    content: ConfigContent


class AssetEntry(_Part):
    """What is known about an uploaded image."""

    sha256: str
    caption: str | None = None


class SessionDump(_Part):
    """Everything the builder knows about a session."""

    schema_name: Literal["astra.session-dump/1"] = Field(alias="schema")
    session: SessionFacts
    config: PinnedConfig
    blocks: tuple[Block, ...]
    assets: dict[str, AssetEntry] = Field(default_factory=dict)


def read_dump(dump: Mapping[str, Any]) -> SessionDump:
    """Check a dump and return it typed, its blocks in the order of the document, however the dump lists them.

    Raises `BuildRefused` (`build_dump_malformed`) that names the field at fault; no value of the dump is repeated.
    """
    try:
        read = SessionDump.model_validate(dump)
        ZoneInfo(read.session.client_timezone)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(str(step) for step in first["loc"])
        raise BuildRefused(
            "build_dump_malformed", f"The session dump is malformed at {where}: {first['msg']}."
        ) from error
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise BuildRefused("build_dump_malformed", "The session dump names an unknown time zone.") from error
    blocks = tuple(sorted(read.blocks, key=lambda block: block.place))
    if len({(block.sequence_id, block.part) for block in blocks}) != len(blocks):
        raise BuildRefused("build_dump_malformed", "The session dump has two blocks with one number and part.")
    return read.model_copy(update={"blocks": blocks})
