"""Speaks the audio of the transcriber's contract suite, in voices that the micro model was not trained on.

Run `python -m tests.data.speech.make` from the root of the repository, in the environment of `make micro-model`, with
espeak-ng, after a change of `LINES`. Writes one FLAC per line, one recording with all of them, and `truth.json` with
what is said and when.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from tools.micro_model.corpus import Sentence
from tools.micro_model.flac import write_flac
from tools.micro_model.speech import SAMPLE_RATE_HZ, Pcm16, speak

FOLDER = Path(__file__).parent / "contract"
LEAD_MS, TAIL_MS, GAP_MS = 300, 400, 1500

LINES = {
    "vote": Sentence("Con cinco votos a favor y once en contra, queda negada la proposición.", "es-419+f4", 146, 52),
    "proposition": Sentence(
        "Proposición número veintiséis, presentada por el doctor Gabriel Medina.", "es+m6", 150, 46
    ),
    "plan": Sentence(
        "Pido que la administración presente un plan de obras antes de noviembre.", "es-419+Andrea", 150, 50
    ),
    "agenda": Sentence("Queda aprobado el orden del día.", "es-419+pablo", 144, 44),
    "result": Sentence("Presidente, el resultado de la votación es este.", "es+f4", 148, 56),
    "visit": Sentence("Invito al alcalde a visitar la biblioteca.", "es-419+m6", 148, 42),
}
"""Sentences of the held-out set: no training sentence is one of them (`tools.micro_model.sets`)."""


def silence(length_ms: int) -> Pcm16:
    """Digital silence."""
    return np.zeros(length_ms * SAMPLE_RATE_HZ // 1000, dtype=np.int16)


def ms(samples: Pcm16) -> int:
    """Length in whole milliseconds, rounded up."""
    return -(-len(samples) * 1000 // SAMPLE_RATE_HZ)


def main() -> None:
    """Write the clips, the recording and the truth about them."""
    FOLDER.mkdir(exist_ok=True)
    clips, session, now = {}, [silence(LEAD_MS)], LEAD_MS
    for name, sentence in LINES.items():
        spoken = speak(sentence)
        spoken = np.pad(spoken, (0, ms(spoken) * SAMPLE_RATE_HZ // 1000 - len(spoken)))
        write_flac(FOLDER / f"{name}.flac", np.concatenate((silence(LEAD_MS), spoken, silence(TAIL_MS))))
        clips[name] = {
            "text": sentence.text,
            "start_ms": LEAD_MS,
            "end_ms": LEAD_MS + ms(spoken),
            "session_start_ms": now,
            "session_end_ms": now + ms(spoken),
        }
        session += [spoken, silence(GAP_MS)]
        now += ms(spoken) + GAP_MS
    write_flac(FOLDER / "session.flac", np.concatenate(session))
    truth = {"clips": clips, "session": {"file": "session.flac", "duration_ms": now}}
    (FOLDER / "truth.json").write_text(json.dumps(truth, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
