"""Evidence in the hands of a forger: files changed, the unsigned parts put right again as a forger would."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

from astra_site.lib.hashing import Sha256, canonical_json
from astra_verify.bundle import open_bundle
from astra_verify.evidence import Evidence, Outside
from astra_verify.findings import Status
from astra_verify.steps import verify

Files = dict[str, bytes]


def unpacked(data: bytes) -> Files:
    """The files of a ZIP."""
    with zipfile.ZipFile(BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def packed(files: Files) -> bytes:
    """A ZIP of the files."""
    target = BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, data in files.items():
            archive.writestr(path, data)
    return target.getvalue()


def relisted(files: Files) -> Files:
    """The files with a manifest that fits them again: the manifest is not signed, a forger can write it anew."""
    manifest = json.loads(files["manifest.json"])
    for row in manifest["files"]:
        data = files[row["path"]]
        row.update(sha256=str(Sha256.of(data)), size_bytes=len(data))
    return {**files, "manifest.json": canonical_json(manifest)}


def edit(files: Files, path: str, change: Callable[[Any], None]) -> Files:
    """Change a JSON file in place."""
    content = json.loads(files[path])
    change(content)
    return {**files, path: canonical_json(content)}


def edit_line(files: Files, number: int, change: Callable[[Any], None], *, rehash: bool) -> Files:
    """Change a journal line; `rehash` puts its own hash right again."""
    lines = files["journal.jsonl"].splitlines(keepends=False)
    entry = json.loads(lines[number - 1])
    change(entry)
    if rehash:
        entry.pop("sha256")
        entry["sha256"] = str(Sha256.of_json(entry))
    lines[number - 1] = canonical_json(entry)
    return {**files, "journal.jsonl": b"".join(line + b"\n" for line in lines)}


def statuses(data: bytes, folder: Path, outside: Outside | None = None) -> dict[str, Status]:
    """Status of every step for a ZIP."""
    place = folder / "evidence.zip"
    place.write_bytes(data)
    found = verify(Evidence(open_bundle(place), outside or Outside()))
    return {finding.name: finding.status for finding in found}


def failed(data: bytes, folder: Path, outside: Outside | None = None) -> list[str]:
    """Names of the steps that are disproved."""
    return [name for name, status in statuses(data, folder, outside).items() if status is Status.DISPROVED]
