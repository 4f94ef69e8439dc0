"""What became of a session: the finished document beside what was acknowledged, from the downloaded evidence alone."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zipfile import ZipFile

from astra_verify.bundle import open_bundle
from astra_verify.evidence import Evidence, Outside
from astra_verify.findings import INTACT, readable, verdict
from astra_verify.steps import verify
from sessions_app.projection import sealed_form
from tests.builder.reading import Docx
from tests.chaos.script import MARKER_PATTERN, Said
from tests.chaos.speaker import Speaker


@dataclass(slots=True)
class Verdict:
    """What is wrong with one session; all lists are empty when nothing is."""

    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    @property
    def holds(self) -> bool:
        """Say whether everything is as it was said."""
        return not (self.lost or self.doubled or self.wrong)


@dataclass(frozen=True, slots=True)
class Sealed:
    """The evidence of a closed session, read."""

    document: str
    blocks: Sequence[Mapping[str, Any]]
    journal: Sequence[Mapping[str, Any]]

    @classmethod
    def read(cls, path: Path) -> Sealed:
        """Read a downloaded ZIP."""
        with ZipFile(path) as files:
            dump = json.loads(files.read("session_dump.json"))
            journal = [json.loads(line) for line in files.read("journal.jsonl").splitlines()]
            document = "\n".join(Docx(files.read("document.docx")).paragraphs())
        return cls(_spaced(document), dump["blocks"], journal)

    @property
    def spoken(self) -> list[Mapping[str, Any]]:
        """The blocks that came from inputs with content."""
        return [block for block in self.blocks if block["type"] not in ("IMAGE", "SYSTEM_NOTE")]


def judge(speaker: Speaker, sealed: Sealed, evidence: Path, keys: frozenset[bytes] | None) -> Verdict:
    """Compare a closed session with what its client was told."""
    found = Verdict(wrong=[f"{speaker.session_id}: {what}" for what in speaker.wrong])
    _count(speaker, sealed, found)
    found.wrong += [f"{speaker.session_id}: {what}" for what in _problems(speaker, sealed)]
    if keys is not None:
        findings = verify(Evidence(open_bundle(evidence), Outside(keys)))
        if verdict(findings) != INTACT:
            found.wrong.append(f"{speaker.session_id}: the seal does not hold: {readable(findings)}")
    return found


def _count(speaker: Speaker, sealed: Sealed, found: Verdict) -> None:
    """Count every acknowledged input in the document and in the dump: once in each is right."""
    texts = [_spaced(block["text"]) for block in sealed.spoken]
    standing = {**speaker.acknowledged, **speaker.amended}
    markers = {f"{speaker.session_id}/{number}": said.marker for number, said in standing.items()}
    in_dump = {name: sum(text.count(marker) for text in texts) for name, marker in markers.items()}
    in_document = {name: sealed.document.count(marker) for name, marker in markers.items()}
    for picture in speaker.pictures:
        name = f"{speaker.session_id}/image {picture.marker}"
        in_dump[name] = sum(block["data"].get("caption") == picture.marker for block in sealed.blocks)
        in_document[name] = sealed.document.count(picture.marker)
    for name, times in in_dump.items():
        if min(times, in_document[name]) < 1:
            found.lost.append(name)
        if max(times, in_document[name]) > 1:
            found.doubled.append(name)


def _problems(speaker: Speaker, sealed: Sealed) -> Iterator[str]:
    script, said = speaker.script, speaker.acknowledged
    numbers = [block["sequence_id"] for block in sealed.spoken]
    if numbers != sorted(numbers):
        yield f"the blocks are out of order: {numbers}"
    if extra := set(numbers) - set(said):
        yield f"blocks of inputs that nobody acknowledged: {sorted(extra)}"
    yield from _strangers(speaker, sealed)
    yield from _order_in_the_document({**said, **speaker.amended}, sealed.document)
    for block in sealed.spoken:
        if (block["speaker"], block["topic"]) != script.context_of(block["sequence_id"]) and block["status"] == "READY":
            expected = script.context_of(block["sequence_id"])
            yield f"{block['block_id']} has {block['speaker'], block['topic']} instead of {expected}"
    shown = [sealed_form(block) for block in speaker.blocks_before]
    kept = [block for block in sealed.blocks if block["type"] != "SYSTEM_NOTE"]
    if script.withheld is None and shown != kept:
        yield f"the live view showed other blocks than the sealed ones: {_difference(shown, kept)}"
    yield from _journal_problems(said, sealed.journal)


def _strangers(speaker: Speaker, sealed: Sealed) -> Iterator[str]:
    standing = {**speaker.acknowledged, **speaker.amended}
    own = {said.marker for said in standing.values()} | {picture.marker for picture in speaker.pictures}
    if strange := set(re.findall(MARKER_PATTERN, sealed.document)) - own:
        yield f"the document says what was refused, corrected or never sent: {sorted(strange)}"


def _order_in_the_document(said: Mapping[int, Said], document: str) -> Iterator[str]:
    """All text goes to the same zone: it stands there in the order of its numbers."""
    places = [document.find(said[number].marker) for number in sorted(said) if said[number].audio is None]
    if places != sorted(places):
        yield "the document is out of order"


def _difference(before: Sequence[Mapping[str, Any]], after: Sequence[Mapping[str, Any]]) -> str:
    ids = [[(block["block_id"], block["status"]) for block in blocks] for blocks in (before, after)]
    return f"{ids[0]} instead of {ids[1]}" if ids[0] != ids[1] else "same ids, other content"


def _journal_problems(said: Mapping[int, Said], journal: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    if [entry["number"] for entry in journal] != list(range(1, len(journal) + 1)):
        yield "the journal's numbers have a gap"
    kinds = Counter((entry["kind"], entry["sequence_id"]) for entry in journal if entry["sequence_id"] is not None)
    if doubled := [key for key, times in kinds.items() if times > 1]:
        yield f"the journal has two of {doubled}"
    inputs = {entry["sequence_id"]: entry for entry in journal if entry["kind"] in ("audio", "text")}
    for number, one in said.items():
        entry = inputs.get(number)
        if entry is None:
            yield f"{number} was acknowledged and is not in the journal"
        elif one.text is not None and entry["payload"]["text"] != one.text:
            yield f"{number} is in the journal with other content"


def _spaced(text: str) -> str:
    return " ".join(text.split())
