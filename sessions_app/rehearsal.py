"""“Try it”: an utterance through CORE, the blocks and the builder, with a configuration that nobody has published."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, Final, get_args

from lxml import etree

from sessions_app.blocks import ExplicitContext, SpokenContext, make_blocks
from sessions_app.builder.build import build_minutes
from sessions_app.builder.model import BuiltDocument
from sessions_app.core.choice import core_client
from sessions_app.understanding.client import understand
from sessions_app.understanding.pack import SPANISH
from sessions_app.understanding.schema import DATA_BY_INTENT, AttendanceRow, RollCallData
from sessions_app.understanding.types import DialogueContext, Intent, TenantLanguage, Utterance
from tenants.config.core import KnownIntent, Rehearsed
from tenants.skeleton.markers import paragraph_text
from tenants.skeleton.package import open_package
from tenants.skeleton.wordml import attribute, w

MAX_CHARS: Final = 2_000
# What a rehearsal says of its session is never kept.
_SESSION: Final = {
    "id": "00000000-0000-0000-0000-000000000000",
    "tenant_id": "00000000-0000-0000-0000-000000000000",
    "tenant_name": "",
    "client_timezone": "UTC",
    "started_at": "2000-01-01T00:00:00Z",
}


class RegisteredCore:
    """CORE and the builder as the configuration's page asks them."""

    def intents(self) -> tuple[KnownIntent, ...]:
        """Return the intents of the language pack, with the fields that table rows can take."""
        return tuple(_known(intent) for intent in SPANISH.templates)

    def rehearse(self, utterance: str, content: Mapping[str, Any], skeleton: bytes) -> tuple[Rehearsed, ...]:
        """Return what each part of the utterance becomes. Raises the errors of `CoreClient` and `build_minutes`."""
        asked = (Utterance(utterance[:MAX_CHARS], 0, 0),)
        language = TenantLanguage(dict(content.get("entity_dictionary", {})), tuple(content.get("members", ())))
        understood, _ = understand(core_client(), asked, DialogueContext(), language)
        blocks, _ = make_blocks(1, understood, SpokenContext(), ExplicitContext(), content, None)
        built = build_minutes(skeleton, _dump(content, blocks), {})
        passages = _Passages(built)
        return tuple(_rehearsed(block, content, passages) for block in blocks)


def _known(intent: Intent) -> KnownIntent:
    form = DATA_BY_INTENT[intent]
    is_roll = form is RollCallData
    fields = AttendanceRow.model_fields if is_roll else form.model_fields
    kept = tuple(name for name, spec in fields.items() if is_roll or not _is_list(spec.annotation))
    rows = "attendance" if is_roll else "self"
    return KnownIntent(str(intent), SPANISH.labels[intent], SPANISH.templates[intent], kept, rows)


def _is_list(annotation: Any) -> bool:
    """Say whether a field holds several values, which no cell can show."""
    return ... in get_args(annotation)


def _dump(content: Mapping[str, Any], blocks: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "schema": "astra.session-dump/1",
        "session": _SESSION,
        "config": {"content": dict(content)},
        "blocks": blocks,
    }


def _rehearsed(block: Mapping[str, Any], content: Mapping[str, Any], passages: _Passages) -> Rehearsed:
    place, passage = passages.of(block["block_id"], block["table_id"])
    return Rehearsed(
        text=block["text"],
        intent=block["intent"],
        label=block["label"],
        template_id=block["template_id"] or "",
        is_known=block["template_id"] is not None,
        confidence=block["confidence"],
        needs_review=block["needs_review"],
        place=place,
        is_default_place=content["zone_map"].get(block["template_id"]) != place == content["default_zone"],
        passage=passage,
        table_id=block["table_id"],
        table_rows=passages.rows(block["block_id"], block["table_id"]),
        data=dict(block["data"]),
    )


class _Passages:
    """Reads back what the builder wrote for each block."""

    def __init__(self, built: BuiltDocument) -> None:
        package = open_package(built.docx)
        root = package.xml(package.document_part)
        self._starts = {attribute(start, "name"): start for start in root.iter(w("bookmarkStart"))}
        self._traces = [asdict(trace) for trace in built.paragraph_trace]

    def of(self, block_id: str, table_id: str | None) -> tuple[str, str]:
        """Return the place of a block's words and their paragraph, empty where it made none."""
        for trace in self._traces:
            if trace["block_id"] == block_id and trace["placeholder"] != table_id:
                return trace["placeholder"], self._text(trace["bookmark"], w("p"))[0]
        return "", ""

    def rows(self, block_id: str, table_id: str | None) -> tuple[tuple[str, ...], ...]:
        """Return the cells of the table rows that a block made."""
        return tuple(
            self._text(trace["bookmark"], w("tr"))
            for trace in self._traces
            if table_id is not None and trace["block_id"] == block_id and trace["placeholder"] == table_id
        )

    def _text(self, bookmark: str, element: str) -> tuple[str, ...]:
        around = next(self._starts[bookmark].iterancestors(element), None)
        if around is None:
            return ("",)
        cells: list[etree._Element] = list(around.iter(w("tc"))) if element == w("tr") else [around]
        return tuple(" ".join(map(paragraph_text, cell.iter(w("p")))).strip() for cell in cells)
