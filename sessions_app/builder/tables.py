"""Records as table rows: the template row is cloned for each, in session order."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from lxml import etree

from sessions_app.builder.dump import Block, SessionDump, TableRule
from sessions_app.builder.runs import detach
from sessions_app.builder.slots import set_control_text, unwrap
from sessions_app.builder.text import clean_line
from sessions_app.builder.trace import Tracer
from sessions_app.builder.values import shown
from tenants.skeleton.controls import REPEATING_ITEM, Control, scan_controls, template_row
from tenants.skeleton.markers import replace_markers
from tenants.skeleton.wordml import w

NO_VALUE: Final = "—"


@dataclass(frozen=True, slots=True)
class Record:
    """One row to be: the block it comes from and its values by data name."""

    block: Block
    values: Mapping[str, Any]


def records(rule: TableRule, intent: str, dump: SessionDump) -> list[Record]:
    """Return the rows of a table in session order.

    Attendance: a later entry for a name replaces the earlier one, in the earlier one's place. One row per block: a
    block without any outcome (the announcement of a vote) makes no row; its subject goes to the next row without one.
    """
    blocks = [b for b in dump.blocks if not b.is_pending and b.intent == intent]
    return list(_attendance(blocks) if rule.rows == "attendance" else _outcomes(blocks, rule))


def fill_table(control: Control, rule: TableRule, found: list[Record], tracer: Tracer) -> None:
    """Clone the template row for each record and remove it; without records one row of dashes remains.

    The control around the table goes, as with zones. Of a repeating section, which is all rows, only the clones stay.
    """
    model = None if control.table is None else template_row(control.table)
    if control.repeats_rows:
        _keep_only(model, control)
    unwrap(control)
    if model is None:
        return
    if not found:
        _fill_row(model, rule, {})
        return
    for number, record in enumerate(found, start=1):
        row = copy.deepcopy(model)
        _fill_row(row, rule, record.values)
        model.addprevious(row)
        first = next(row.iter(w("p")), None)
        if first is not None:
            tracer.mark(record.block, rule.table_id, [first], suffix=f"_r{number}")
    detach(model)


def _keep_only(model: etree._Element | None, section: Control) -> None:
    for item in [*section.content.iter(w("sdt"))]:
        properties, content = item.find(w("sdtPr")), item.find(w("sdtContent"))
        if properties is not None and content is not None and properties.find(REPEATING_ITEM) is not None:
            for child in list(content):
                item.addprevious(child)
            detach(item)
    for row in section.content.findall(w("tr")):
        if row is not model:
            detach(row)


def _fill_row(row: etree._Element, rule: TableRule, values: Mapping[str, Any]) -> None:
    cells = {column: shown(values.get(name), name) or NO_VALUE for column, name in rule.columns.items()}
    controls = scan_controls(row).placeholders
    paragraphs = list(row.iter(w("p")))
    for paragraph in paragraphs:
        replace_markers(paragraph, lambda name: cells.get(name, NO_VALUE))
    for control in controls:
        set_control_text(control, cells.get(control.tag, NO_VALUE))


def _attendance(blocks: list[Block]) -> Iterator[Record]:
    latest: dict[str, Record] = {}
    for block in blocks:
        entries = block.data.get("attendance")
        for entry in entries if isinstance(entries, list) else []:
            if isinstance(entry, dict) and (name := clean_line(str(entry.get("name") or ""))):
                latest[name.casefold()] = Record(block, entry)
    yield from latest.values()


def _outcomes(blocks: list[Block], rule: TableRule) -> Iterator[Record]:
    announced: object = None
    for block in blocks:
        values = {name: block.data.get(name) for name in rule.columns.values()}
        if all(value is None for name, value in values.items() if name != "subject"):
            announced = values.get("subject") or announced
            continue
        if values.get("subject") is None:
            values["subject"] = announced
        announced = None
        yield Record(block, values)
