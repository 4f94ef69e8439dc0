"""Speaks sentences with espeak-ng and keeps them as a bank of 16 kHz mono samples on disk."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soxr

from demo.script import ENTITY_DICTIONARY
from tools.micro_model.corpus import Sentence

SAMPLE_RATE_HZ = 16_000
_ESPEAK_RATE_HZ = 22_050
_WAV_HEADER_BYTES = 44
_PEAK = 0.7
_SILENCE = 0.02
_MARGIN_SAMPLES = 160

Pcm16 = npt.NDArray[np.int16]


def _as_pronounced(text: str) -> str:
    for written, pronounced in ENTITY_DICTIONARY.items():
        text = text.replace(written, pronounced)
    return text


def speak(sentence: Sentence) -> Pcm16:
    """Return the sentence as 16 kHz mono PCM, silence trimmed to 10 ms and peak at 0.7 of full scale.

    A name that the entity dictionary corrects is spoken as its correction: espeak-ng would spell out "Jhon".

    Raises ``subprocess.CalledProcessError`` if espeak-ng refuses the voice or is not installed.
    """
    command = ["espeak-ng", "-v", sentence.voice, "-s", str(sentence.words_per_min), "-p", str(sentence.pitch)]
    wav = subprocess.run(
        [*command, "-b", "1", "--stdout"],
        input=_as_pronounced(sentence.text).encode(),
        stdout=subprocess.PIPE,
        check=True,
    ).stdout
    body = wav[_WAV_HEADER_BYTES:]
    raw = np.frombuffer(body[: len(body) // 2 * 2], dtype=np.int16).astype(np.float32) / 32768
    samples = soxr.resample(raw, _ESPEAK_RATE_HZ, SAMPLE_RATE_HZ).astype(np.float32)
    loud = np.flatnonzero(np.abs(samples) > np.abs(samples).max() * _SILENCE)
    samples = samples[max(0, loud[0] - _MARGIN_SAMPLES) : loud[-1] + _MARGIN_SAMPLES]
    levelled: Pcm16 = (samples / np.abs(samples).max() * _PEAK * 32767).astype(np.int16)
    return levelled


@dataclass(frozen=True, slots=True)
class Utterance:
    """One spoken sentence: its text, language code and samples."""

    text: str
    language: str
    samples: Pcm16

    @property
    def floats(self) -> npt.NDArray[np.float32]:
        """The samples as floats in -1..1."""
        return self.samples.astype(np.float32) / np.float32(32767)


def write_bank(folder: Path, name: str, items: Sequence[tuple[str, Sentence]], threads: int = 2) -> None:
    """Speak (language, sentence) pairs and write ``<name>.pcm`` and ``<name>.json``; the index is written last."""
    folder.mkdir(parents=True, exist_ok=True)
    index: list[dict[str, str | int]] = []
    with (folder / f"{name}.pcm").open("wb") as pcm, ThreadPoolExecutor(threads) as pool:
        spoken = pool.map(speak, [sentence for _, sentence in items])
        for (language, sentence), samples in zip(items, spoken, strict=True):
            pcm.write(samples.tobytes())
            index.append({"text": sentence.text, "language": language, "samples": len(samples)})
    (folder / f"{name}.json").write_text(json.dumps(index, ensure_ascii=False), encoding="utf-8")


def read_bank(folder: Path, name: str) -> list[Utterance]:
    """Return the utterances of a bank; the samples stay on disk until they are touched."""
    index = json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
    pcm = np.memmap(folder / f"{name}.pcm", dtype=np.int16, mode="r")
    utterances: list[Utterance] = []
    start = 0
    for row in index:
        stop = start + row["samples"]
        utterances.append(Utterance(row["text"], row["language"], pcm[start:stop]))
        start = stop
    return utterances
