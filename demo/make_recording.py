"""Speaks the demonstration script: ``python -m demo.make_recording`` writes ``recording.flac`` and its known text.

Run it in the training environment (requirements/train.txt); espeak-ng must be installed. The result is checked in,
so the demonstration itself needs neither.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from demo.script import SCRIPT, VOICES
from tools.micro_model.corpus import Sentence
from tools.micro_model.flac import write_flac
from tools.micro_model.speech import SAMPLE_RATE_HZ, Pcm16, speak

_HERE = Path(__file__).parent
_LEAD_MS = 800
_ROOM_NOISE = 1.0
_LEVEL = 0.6
_NOISE_SEED = 11


def _samples(milliseconds: int) -> int:
    return milliseconds * SAMPLE_RATE_HZ // 1000


def render() -> tuple[Pcm16, list[dict[str, str | int]]]:
    """Return the recording and, for each line, its speaker, text and place in milliseconds."""
    pieces = [np.zeros(_samples(_LEAD_MS), np.int16)]
    utterances: list[dict[str, str | int]] = []
    position = len(pieces[0])
    for line in SCRIPT:
        voice = VOICES[line.speaker]
        spoken = speak(Sentence(line.text, voice.name, voice.words_per_min, voice.pitch))
        start_ms, end_ms = (place * 1000 // SAMPLE_RATE_HZ for place in (position, position + len(spoken)))
        utterances.append({"speaker": line.speaker, "text": line.text, "start_ms": start_ms, "end_ms": end_ms})
        pause = np.zeros(_samples(line.gap_ms), np.int16)
        pieces += [spoken, pause]
        position += len(spoken) + len(pause)
    noise = np.random.default_rng(_NOISE_SEED).normal(0, _ROOM_NOISE, position)
    room = np.clip(np.concatenate(pieces) * _LEVEL + noise, -32768, 32767).astype(np.int16)
    return room, utterances


def main() -> None:
    """Write the recording and its known text beside this file."""
    samples, utterances = render()
    write_flac(_HERE / "recording.flac", samples)
    known = {
        "sample_rate_hz": SAMPLE_RATE_HZ,
        "duration_ms": len(samples) * 1000 // SAMPLE_RATE_HZ,
        "utterances": utterances,
    }
    text = json.dumps(known, ensure_ascii=False, indent=1) + "\n"
    (_HERE / "recording.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
