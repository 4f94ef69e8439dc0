"""Builds the micro model from nothing: ``python -m tools.micro_model.build`` in the training environment.

Every stage leaves its result under ``var/micro_model`` and is skipped when the result is there already, so an
interrupted build goes on where it was. ``OMP_WAIT_POLICY=passive`` keeps two busy threads from spinning.
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
from pathlib import Path
from typing import Final

from tools.micro_model import banks, tokenizer
from tools.micro_model.evaluate import evaluate
from tools.micro_model.export import export
from tools.micro_model.speech import read_bank
from tools.micro_model.train import STEPS, Trainer

ENGINE_CARD: Final = {"name": "micro-whisper-es", "max_clip_s": 7.5, "accepts_prompt": False, "languages": ["es"]}
"""What the model says about itself to the engine that loads it."""

_TARGET: Final = Path("jobs/transcription/models/micro-whisper-es")


def finish(work: Path, target: Path, *, show: int) -> None:
    """Export the checkpoint in ``work`` to ``target``, with its card and its measurements."""
    export(work / "checkpoint.pt", work / "tokenizer.json", target)
    (target / "astra_engine.json").write_text(json.dumps(ENGINE_CARD, indent=1) + "\n", encoding="utf-8")
    report = json.dumps(evaluate(target, work / "bank", show=show), indent=1, ensure_ascii=False)
    (work / "report.json").write_text(report + "\n", encoding="utf-8")
    print(report)


def main() -> int:
    """Speak the banks, learn the tokenizer, train, export, measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, default=Path("var/micro_model"), help="banks and checkpoints")
    parser.add_argument("--target", type=Path, default=_TARGET, help="folder of the exported model")
    parser.add_argument("--steps", type=int, default=STEPS, help="length of the training schedule")
    parser.add_argument("--start-from", type=Path, help="checkpoint whose weights begin the schedule")
    parser.add_argument("--export-only", action="store_true", help="export the last checkpoint as it is")
    parser.add_argument("--show", type=int, default=0, help="print this many mistakes per held-out set")
    chosen = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", stream=sys.stdout)
    if not chosen.export_only:
        banks.build(chosen.work / "bank")
        vocabulary = chosen.work / "tokenizer.json"
        if not vocabulary.exists():
            tokenizer.learn((spoken.text for spoken in read_bank(chosen.work / "bank", "training")), vocabulary)
        Trainer(chosen.work, chosen.steps, chosen.start_from).run()
    finish(chosen.work, chosen.target, show=chosen.show)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
