"""Measures an exported model the way the product uses it, on voices and sentences it has never heard."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from demo.script import ENTITY_DICTIONARY
from jobs.transcription.engine import TranscribeOptions, Transcriber
from jobs.transcription.pipeline import transcribe_audio
from jobs.transcription.wer import WerResult, word_error_rate
from jobs.transcription.whisper import WhisperTranscriber
from jobs.transcription.whisper_model import ModelSource
from tools.micro_model.speech import SAMPLE_RATE_HZ, Utterance, read_bank

_DEMO = Path(__file__).parents[2] / "demo"
_LEVEL = 0.6
_SILENCE_S = 8


def _pause(seconds: float) -> npt.NDArray[np.float32]:
    return np.zeros(int(seconds * SAMPLE_RATE_HZ), np.float32)


def _total(results: Sequence[WerResult]) -> WerResult:
    return sum(results, WerResult(0, 0, 0, 0))


def utterances(transcriber: Transcriber, spoken: Sequence[Utterance], show: int = 0) -> dict[str, float]:
    """Return the word error rate and real-time factor of single utterances; prints the first ``show`` mistakes."""
    results: list[WerResult] = []
    sound_s = 0.0
    began = time.perf_counter()
    for utterance in spoken:
        samples = np.concatenate([_pause(0.3), utterance.floats * np.float32(_LEVEL), _pause(0.5)])
        samples = samples[: int(transcriber.max_clip_s * SAMPLE_RATE_HZ)]
        heard = " ".join(segment.text for segment in transcriber.transcribe(samples, TranscribeOptions()).segments)
        results.append(word_error_rate(utterance.text, heard))
        sound_s += len(samples) / SAMPLE_RATE_HZ
        if results[-1].errors and show > 0:
            print(f"  {utterance.text}  =>  {heard}")
            show -= 1
    spent_s = time.perf_counter() - began
    exact = sum(result.errors == 0 for result in results)
    return {
        "wer": round(_total(results).rate, 4),
        "exact": round(exact / len(results), 3),
        "real_time_factor": round(spent_s / sound_s, 3),
    }


def demonstration(transcriber: Transcriber, clip_s: float, *, show: bool = False) -> dict[str, float]:
    """Return the word error rate of the demonstration recording, raw and after the entity dictionary."""
    known = json.loads((_DEMO / "recording.json").read_text(encoding="utf-8"))
    began = time.perf_counter()
    transcript = transcribe_audio(_DEMO / "recording.flac", transcriber, TranscribeOptions(max_clip_s=clip_s))
    spent_s = time.perf_counter() - began
    said = " ".join(utterance["text"] for utterance in known["utterances"])
    heard = " ".join(segment.text for segment in transcript.segments)
    corrected = heard
    for wrong, right in ENTITY_DICTIONARY.items():
        corrected = corrected.replace(wrong, right)
    if show:
        print("\n".join(f"  {segment.start_ms:>7} {segment.text}" for segment in transcript.segments))
    return {
        "clip_s": clip_s,
        "wer_raw": round(word_error_rate(said, heard).rate, 4),
        "wer": round(word_error_rate(said, corrected).rate, 4),
        "segments": len(transcript.segments),
        "sentences": len(known["utterances"]),
        "real_time_factor": round(spent_s * 1000 / transcript.duration_ms, 3),
    }


def silences(transcriber: Transcriber) -> dict[str, str]:
    """Return what the model answers to silence, hiss and a tone: it should be nothing."""
    noise = np.random.default_rng(3).standard_normal(_SILENCE_S * SAMPLE_RATE_HZ, dtype=np.float32)
    samples_of = {
        "silence": np.zeros_like(noise),
        "faint hiss": noise * np.float32(0.003),
        "hiss": noise * np.float32(0.03),
        "hum": np.sin(np.arange(len(noise)) * 0.04).astype(np.float32) * np.float32(0.2),
    }
    answers: dict[str, str] = {}
    for name, samples in samples_of.items():
        clip = samples[: int(transcriber.max_clip_s * SAMPLE_RATE_HZ)]
        found = transcriber.transcribe(clip, TranscribeOptions()).segments
        answers[name] = " ".join(segment.text for segment in found)
    return answers


def evaluate(model: Path, bank: Path, *, show: int = 0) -> dict[str, Any]:
    """Return every measurement of the model in ``model`` on the held-out banks in ``bank`` and on the demonstration."""
    transcriber = WhisperTranscriber(ModelSource(str(model), device="cpu", compute_type="int8", cpu_threads=1))
    report: dict[str, Any] = {
        name: utterances(transcriber, read_bank(bank, name), show) for name in ("held_out", "held_out_surnames")
    }
    report["demonstration"] = [
        demonstration(transcriber, clip_s, show=show > 0 and clip_s == transcriber.max_clip_s)
        for clip_s in sorted({6.0, 8.0, transcriber.max_clip_s})
    ]
    report["nothing_said"] = silences(transcriber)
    report["model_bytes"] = sum(path.stat().st_size for path in model.iterdir())
    return report
