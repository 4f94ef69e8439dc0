"""What the demonstration measures: word errors against the known script, likeness of both documents, the seals."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any
from zipfile import ZipFile

from demo.paths import PathResult
from demo.stack import ROOT
from jobs.transcription.wer import word_error_rate

Block = Mapping[str, Any]
WORD_ERROR_LIMIT = 0.10


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was found about one way through. `steps` are the verifier's, as (name, outcome)."""

    word_error_rate: float
    blocks_by_intent: Counter[str]
    pending_blocks: int
    seal_holds: bool
    steps: list[tuple[str, str]]

    @property
    def holds(self) -> bool:
        """Say whether the demonstration may call it a success."""
        return self.seal_holds and self.word_error_rate < WORD_ERROR_LIMIT and self.pending_blocks == 0


def judge(result: PathResult, script: str, trusted_keys: Path, previous: Path | None = None) -> Verdict:
    """Compare the blocks with the script and verify the seal from the downloaded files alone."""
    spoken = [block for block in result.blocks if block["type"] in ("TEMPLATE", "TEXT")]
    text = " ".join(block["text"] for block in spoken)
    holds, steps = verify(result.evidence, trusted_keys, previous)
    return Verdict(
        word_error_rate=word_error_rate(script, text).rate,
        blocks_by_intent=Counter(block["intent"] or block["type"] for block in result.blocks),
        pending_blocks=sum(block["status"] != "READY" for block in result.blocks),
        seal_holds=holds,
        steps=steps,
    )


def verify(evidence: Path, trusted_keys: Path, previous: Path | None = None) -> tuple[bool, list[tuple[str, str]]]:
    """Run the stand-alone verifier on a downloaded evidence file, and against the snapshot before it if given."""
    chain = ["--previous", str(previous)] if previous else []
    done = subprocess.run(
        [sys.executable, "-m", "astra_verify", str(evidence), "--trusted-key", str(trusted_keys), *chain, "--json"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    if not done.stdout.strip():
        return False, [("verifier", done.stderr.strip() or "said nothing")]
    steps = json.loads(done.stdout)["steps"]
    return done.returncode == 0, [(step["title"], step["status"]) for step in steps]


def snapshot_in(evidence: Path) -> Path:
    """Take the snapshot out of an evidence file, to check that the next one follows it."""
    with ZipFile(evidence) as files:
        path = evidence.with_suffix(".snapshot.json")
        path.write_bytes(files.read("snapshot.json"))
    return path


def runs_of_intent(blocks: Sequence[Block]) -> list[tuple[str, list[str]]]:
    """Return the spoken blocks as runs of one intent with their words: what is left when chunk borders are ignored."""
    spoken = (block for block in blocks if block["type"] in ("TEMPLATE", "TEXT"))
    return [
        (str(intent), [word for block in run for word in str(block["text"]).split()])
        for intent, run in groupby(spoken, key=lambda block: block["intent"])
    ]
