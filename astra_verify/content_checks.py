"""Checks of what was sealed: document, dump, configuration, journal, tree, recordings, traces, report."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator
from typing import Any

from astra_verify import canonical, merkle
from astra_verify.evidence import Evidence, hash_text, number_or_none, record, rows, schema, whole
from astra_verify.findings import Disproved, NotCheckable

_JOURNAL_SCHEMA = "astra.journal-entry/1"
_JOURNAL_LEAF = b"astra.leaf.journal/1\n"
_AUDIO_LEAF = b"astra.leaf.audio/1\n"
_REPORTED_SEAL = (
    "snapshot_id",
    "number",
    "previous_snapshot",
    "parent_snapshot_id",
    "hashes",
    "merkle",
    "sealed_at",
    "key_id",
)
_AUDIO_PATH = re.compile(r"audio/([0-9a-f]{64})\.[a-z0-9]{1,8}\Z")


def document(evidence: Evidence) -> str:
    """The document is the sealed one, and so is the one that the verifying person holds."""
    detail = _sealed_file(evidence, "document", "document.docx")
    own = evidence.outside.document_sha256
    if own is None:
        return detail
    if own != evidence.sealed_hash("document"):
        raise Disproved(f"The document that you gave has {own}, sealed was {evidence.sealed_hash('document')}.")
    return f"{detail} The document that you gave has it too."


def dump(evidence: Evidence) -> str:
    """The dump is the sealed one, and about the sealed session."""
    detail = _sealed_file(evidence, "dump", "session_dump.json")
    schema(evidence.dump, "astra.session-dump/1", "The dump")
    session = record(evidence.dump.get("session"), "The dump's session")
    for field, sealed in (("id", "session_id"), ("tenant_id", "tenant_id")):
        if session.get(field) != evidence.payload.get(sealed):
            raise Disproved(f"The dump is about another session: its {field} is {session.get(field)}.")
    return detail


def config(evidence: Evidence) -> str:
    """The configuration is the sealed one, and the one that the dump was made with."""
    detail = _sealed_file(evidence, "config", "config.json")
    used = record(evidence.dump.get("config"), "The dump's configuration")
    if used.get("sha256") != evidence.sealed_hash("config"):
        raise Disproved("The dump was made with another configuration than the sealed one.")
    if not canonical.same(used.get("content"), evidence.bundle.json("config.json")):
        raise Disproved("The configuration inside the dump is not the one in config.json.")
    return detail


def _sealed_file(evidence: Evidence, name: str, path: str) -> str:
    sealed = evidence.sealed_hash(name)
    found = evidence.bundle.sha256(path)
    if found != sealed:
        raise Disproved(f"{path} has {found}, sealed was {sealed}.")
    return f"{path} has the sealed hash {sealed}."


def skeleton(evidence: Evidence) -> str:
    """The skeleton is not in the evidence; at least the dump has to name the same one."""
    sealed = evidence.sealed_hash("skeleton")
    if record(evidence.dump.get("skeleton"), "The dump's skeleton").get("sha256") != sealed:
        raise Disproved("The dump names another skeleton than the sealed one.")
    raise NotCheckable(f"The Word skeleton is not part of the evidence; ask the council for the file with {sealed}.")


def journal(evidence: Evidence) -> str:
    """Every line is canonical, has its own hash, and is numbered in order."""
    for number, (line, entry) in enumerate(zip(evidence.lines, evidence.journal, strict=True), start=1):
        body = {name: value for name, value in entry.items() if name != "sha256"}
        try:
            if canonical.canonical(entry) != line:
                raise Disproved(f"Journal line {number} is not in canonical form.")
            own = f"sha256:{hashlib.sha256(canonical.canonical(body)).hexdigest()}"
        except canonical.NotJson as error:
            raise Disproved(f"Journal line {number} has no canonical form: {error}.") from error
        schema(entry, _JOURNAL_SCHEMA, f"Journal line {number}")
        if entry.get("sha256") != own:
            raise Disproved(f"Journal line {number} hashes to {own}, not to what it states.")
        if entry.get("number") != number:
            raise Disproved(f"Journal line {number} is numbered {entry.get('number')}: a line is missing or moved.")
    return f"{len(evidence.lines)} lines, each with its own hash, numbered without gaps."


def merkle_root(evidence: Evidence) -> str:
    """The root over journal lines and recordings is the sealed one, and so is the number of leaves."""
    sealed = evidence.sealed("merkle")
    if sealed.get("algorithm") != "rfc6962-sha256" or sealed.get("leaf_rule") != "astra.leaves/1":
        raise Disproved("The tree was made by rules that this verifier does not know.")
    counts = (len(evidence.lines), len(evidence.journal_audio))
    stated = (sealed.get("journal_leaves"), sealed.get("audio_leaves"))
    if counts != stated or sealed.get("tree_size") != sum(counts):
        raise Disproved(f"Found {counts[0]} lines and {counts[1]} recordings, sealed were {stated[0]} and {stated[1]}.")
    found = merkle.root(_leaves(evidence))
    if found != sealed.get("root"):
        raise Disproved(f"The tree's root is {found}, sealed was {sealed.get('root')}.")
    return f"Root {found} over {counts[0]} journal lines and {counts[1]} recordings."


def _leaves(evidence: Evidence) -> Iterator[bytes]:
    for line in evidence.lines:
        yield _JOURNAL_LEAF + line
    for _, audio in evidence.journal_audio:
        yield _AUDIO_LEAF + bytes.fromhex(audio["sha256"].removeprefix("sha256:"))


def audio_figures(evidence: Evidence) -> str:
    """Number and bytes of the recordings are as sealed."""
    sizes = [whole(audio.get("size_bytes"), "A recording's size") for _, audio in evidence.journal_audio]
    sealed = evidence.sealed("audio")
    if sealed.get("count") != len(sizes) or sealed.get("total_bytes") != sum(sizes):
        raise Disproved(
            f"The journal has {len(sizes)} recordings with {sum(sizes)} bytes, sealed were "
            f"{sealed.get('count')} with {sealed.get('total_bytes')}."
        )
    return f"{len(sizes)} recordings with {sum(sizes)} bytes, as sealed."


def audio_files(evidence: Evidence) -> str:
    """The recordings listed are the journal's, and every one that is here is one of them, byte for byte."""
    named: dict[str, set[int]] = {}
    for _, audio in evidence.journal_audio:
        named.setdefault(audio["sha256"], set()).add(whole(audio.get("size_bytes"), "A recording's size"))
    listed = [(row.get("sha256"), row.get("size_bytes")) for row in rows(evidence.manifest.get("audio"), "The list")]
    if listed != [(sha256, size_bytes) for sha256, sizes in named.items() for size_bytes in sorted(sizes)]:
        raise Disproved("The manifest lists other recordings than the journal.")
    present = set()
    for path in (path for path in evidence.bundle.paths if path.startswith("audio/")):
        match = _AUDIO_PATH.match(path)
        found = evidence.bundle.sha256(path)
        if match is None or found != f"sha256:{match.group(1)}":
            raise Disproved(f"{path} has {found}: not what its name says.")
        if found not in named:
            raise Disproved(f"{path} is a recording that the journal does not know.")
        if named[found] != {evidence.bundle.size(path)}:
            raise Disproved(f"{path} has another size than the journal says.")
        present.add(found)
    absent = len(named) - len(present)
    if named and not present:
        raise NotCheckable(
            f"None of the {len(named)} recordings is in the evidence. Their hashes are proven through the journal: "
            "a recording fetched later can be checked against them."
        )
    return f"{len(present)} recordings are here and match the journal; {absent} are not in the evidence."


def traces(evidence: Evidence) -> str:
    """Every block with a trace names a recording that the journal has, and a span inside it."""
    known = {(audio["sha256"], sequence_id): audio for sequence_id, audio in evidence.journal_audio}
    traced = 0
    for block in rows(evidence.dump.get("blocks"), "The dump's blocks"):
        name = f"Block {block.get('block_id')}"
        found = _traces_of(block, name)
        for trace in found:
            _check_trace(name, trace, known)
        traced += bool(found)
    return f"{traced} paragraphs lead to a recording in the journal."


def _traces_of(block: dict[str, Any], name: str) -> list[dict[str, Any]]:
    """The traces of a block: none, one, or several, the first of which is the one that every reader knows."""
    first, several = block.get("audio"), block.get("audio_spans")
    if several is None:
        return [] if first is None else [record(first, f"{name}: its trace")]
    found = rows(several, f"{name}: its traces")
    if len(found) < 2 or not canonical.same(found[0], first):
        raise Disproved(f"{name}: its list of traces does not begin with its trace.")
    return found


def _check_trace(name: str, trace: dict[str, Any], known: dict[tuple[str, int | None], dict[str, Any]]) -> None:
    sha256 = hash_text(trace.get("sha256"), f"{name}: the recording's hash")
    audio = known.get((sha256, number_or_none(trace.get("sequence_id"), name)))
    if audio is None:
        raise Disproved(f"{name} leads to a recording that the journal does not have under that number.")
    start_ms, end_ms = (whole(trace.get(field), f"{name}: {field}") for field in ("start_ms", "end_ms"))
    if end_ms < start_ms:
        raise Disproved(f"{name} ends before it begins.")
    duration_ms = audio.get("duration_ms")
    if isinstance(duration_ms, int) and start_ms > duration_ms:
        raise Disproved(f"{name} begins after the end of its recording.")


def audit_report(evidence: Evidence) -> str:
    """The audit report is the sealed one, and tells the same story as snapshot, journal and dump."""
    report = record(evidence.bundle.json("audit_report.json"), "audit_report.json")
    schema(report, "astra.audit-report/1", "The audit report")
    _check_report_hash(evidence, report)
    seal = {"integrity_hash": evidence.signed.get("integrity_hash")}
    seal |= {name: evidence.payload.get(name) for name in _REPORTED_SEAL}
    if not canonical.same(seal, report.get("seal")):
        raise Disproved("The audit report states another seal than the snapshot.")
    stated = [row.get("sha256") for row in rows(report.get("journal"), "The report's journal")]
    if stated != [entry.get("sha256") for entry in evidence.journal]:
        raise Disproved("The audit report lists other journal entries than the journal.")
    blocks = rows(evidence.dump.get("blocks"), "The dump's blocks")
    for kind, belongs in _REPORTED.items():
        told = [row.get("block_id") for row in rows(report.get(kind), f"The report's list {kind}")]
        if told != [block.get("block_id") for block in blocks if belongs(block)]:
            raise Disproved(f"The audit report's list {kind} is not the dump's.")
    return "It is the sealed one and agrees with journal and dump. What it says about storage is the operator's word."


def _check_report_hash(evidence: Evidence, report: dict[str, Any]) -> None:
    body = {name: value for name, value in report.items() if name != "seal"}
    try:
        found = f"sha256:{hashlib.sha256(canonical.canonical(body)).hexdigest()}"
    except canonical.NotJson as error:
        raise Disproved(f"The audit report has no canonical form: {error}.") from error
    if found != evidence.sealed_hash("report"):
        raise Disproved(f"The audit report without its seal has {found}, sealed was {evidence.sealed_hash('report')}.")


def _is_pending(block: dict[str, Any]) -> bool:
    waiting = ("PROCESSING", "PENDING", "ERROR_PENDING_REVIEW")
    return block.get("type") == "AUDIO_PENDING" or block.get("status") in waiting


_REPORTED: dict[str, Callable[[dict[str, Any]], bool]] = {
    "pending": _is_pending,
    "restricted": lambda block: bool(block.get("restricted")),
    "needs_review": lambda block: bool(block.get("needs_review")),
}
