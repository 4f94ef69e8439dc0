"""Speaks the held-out sentences of the speech tests: ``python -m tests.data.speech.make_held_out``.

Run it in the training environment (requirements/train.txt) with espeak-ng installed. Voices and sentences are those
that training leaves out, the second group with surnames it has never met. The result is checked in.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from tools.micro_model.flac import write_flac
from tools.micro_model.sets import held_out_council, held_out_surnames
from tools.micro_model.speech import SAMPLE_RATE_HZ, speak

_HERE = Path(__file__).parent
_COUNCIL_SENTENCES = 18
_SURNAME_SENTENCES = 10
_PAUSE = np.zeros(SAMPLE_RATE_HZ * 7 // 10, np.int16)
_LEVEL = 0.6


def main() -> None:
    """Write ``held_out.flac``, one sentence after another, and ``held_out.json`` with what is said where."""
    pieces = [_PAUSE]
    known: list[dict[str, str | int]] = []
    position = len(_PAUSE)
    groups = {
        "council": held_out_council()[:_COUNCIL_SENTENCES],
        "surnames": held_out_surnames()[:_SURNAME_SENTENCES],
    }
    for group, sentences in groups.items():
        for sentence in sentences:
            spoken = (speak(sentence) * _LEVEL).astype(np.int16)
            stop = position + len(spoken)
            start_ms, end_ms = (place * 1000 // SAMPLE_RATE_HZ for place in (position, stop))
            known.append({"group": group, "text": sentence.text, "start_ms": start_ms, "end_ms": end_ms})
            pieces += [spoken, _PAUSE]
            position = stop + len(_PAUSE)
    write_flac(_HERE / "held_out.flac", np.concatenate(pieces))
    (_HERE / "held_out.json").write_text(json.dumps(known, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
