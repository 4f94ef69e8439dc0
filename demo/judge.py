"""What the demonstration measures of one way: word errors against the known script, and the seal."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from zipfile import ZipFile

from demo.paths import PathResult
from demo.stack import ROOT
from jobs.transcription.wer import word_error_rate

WORD_ERROR_LIMIT = 0.10


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was found about one way through. `steps` are the verifier's, as (name, outcome).

    Word error rates are shares of the script's words: in what the engine recognised, and in the minutes, where names
    are corrected.
    """

    recognised_error_rate: float
    minutes_error_rate: float
    blocks_by_intent: Counter[str]
    pending_blocks: int
    seal_holds: bool
    steps: list[tuple[str, str]]

    @property
    def holds(self) -> bool:
        """Say whether the demonstration may call it a success."""
        words_hold = max(self.recognised_error_rate, self.minutes_error_rate) < WORD_ERROR_LIMIT
        return self.seal_holds and words_hold and self.pending_blocks == 0


def judge(result: PathResult, script: str, trusted_keys: Path, previous: Path | None = None) -> Verdict:
    """Compare transcript and blocks with the script, and verify the seal, from the downloaded files alone."""
    spoken = [block for block in result.blocks if block["type"] in ("TEMPLATE", "TEXT")]
    text = " ".join(block["text"] for block in spoken)
    holds, steps = verify(result.evidence, trusted_keys, previous)
    return Verdict(
        recognised_error_rate=word_error_rate(script, recognised(result.evidence)).rate,
        minutes_error_rate=word_error_rate(script, text).rate,
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


def recognised(evidence: Path) -> str:
    """Return what the engine heard, from the transcripts in the evidence's journal, in the order of speaking."""
    with ZipFile(evidence) as files:
        entries = [json.loads(line) for line in files.read("journal.jsonl").splitlines()]
    transcripts = {entry["sequence_id"]: entry["payload"] for entry in entries if entry["kind"] == "transcript"}
    return " ".join(said["text"] for _, payload in sorted(transcripts.items()) for said in payload["utterances"])


def snapshot_in(evidence: Path) -> Path:
    """Take the snapshot out of an evidence file, to check that the next one follows it."""
    with ZipFile(evidence) as files:
        path = evidence.with_suffix(".snapshot.json")
        path.write_bytes(files.read("snapshot.json"))
    return path
