"""The bundled speech model, on voices, sentences and names that it has never heard."""

from __future__ import annotations

import io
import json
import wave
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from demo.script import ENTITY_DICTIONARY, SCRIPT, VOICES
from jobs.transcription.audio import decode_stream
from jobs.transcription.engine import SAMPLE_RATE_HZ, SAMPLES_PER_MS, Samples, TranscribeOptions, TranscriptResult
from jobs.transcription.pipeline import transcribe_audio
from jobs.transcription.wer import WerResult, word_error_rate
from jobs.transcription.whisper import WhisperTranscriber
from jobs.transcription.whisper_model import MICRO_MODEL_DIR, ModelSource
from tools.micro_model import sets
from tools.micro_model.corpus import HELD_OUT_VOICES, TRAINING_VOICES, normalised_words

ROOT = Path(__file__).parents[2]
HELD_OUT = ROOT / "tests" / "data" / "speech"
MODEL_BYTES = 4_000_000
MARGIN_MS = 300


@pytest.fixture(scope="module")
def micro() -> WhisperTranscriber:
    return WhisperTranscriber(ModelSource("micro", device="cpu", compute_type="int8", cpu_threads=1))


@pytest.fixture(scope="module")
def held_out() -> list[tuple[dict[str, Any], Samples]]:
    known = json.loads((HELD_OUT / "held_out.json").read_text(encoding="utf-8"))
    sound = np.concatenate(list(decode_stream(HELD_OUT / "held_out.flac")))
    return [(row, sound[_sample(row["start_ms"] - MARGIN_MS) : _sample(row["end_ms"] + MARGIN_MS)]) for row in known]


def _sample(time_ms: int) -> int:
    return time_ms * SAMPLES_PER_MS


def text_of(result: TranscriptResult) -> str:
    return " ".join(segment.text for segment in result.segments)


def heard_of(micro: WhisperTranscriber, held_out: list[tuple[dict[str, Any], Samples]], group: str) -> list[WerResult]:
    return [
        word_error_rate(row["text"], text_of(micro.transcribe(samples, TranscribeOptions())))
        for row, samples in held_out
        if row["group"] == group
    ]


def test_it_understands_voices_and_sentences_it_never_heard(
    micro: WhisperTranscriber, held_out: list[tuple[dict[str, Any], Samples]]
) -> None:
    total = sum(heard_of(micro, held_out, "council"), WerResult(0, 0, 0, 0))
    assert total.reference_words > 100
    assert total.rate < 0.10


def test_a_surname_it_never_heard_costs_little_but_the_surname(
    micro: WhisperTranscriber, held_out: list[tuple[dict[str, Any], Samples]]
) -> None:
    results = heard_of(micro, held_out, "surnames")
    surnames = len(results)
    total = sum(results, WerResult(0, 0, 0, 0))
    assert (total.errors - surnames) / (total.reference_words - surnames) < 0.10


def test_word_times_never_run_backwards(
    micro: WhisperTranscriber, held_out: list[tuple[dict[str, Any], Samples]]
) -> None:
    for _, samples in held_out[:6]:
        segments = micro.transcribe(samples, TranscribeOptions()).segments
        times = [time for segment in segments for word in segment.words for time in (word.start_ms, word.end_ms)]
        assert times
        assert all(earlier <= later for earlier, later in pairwise(times))
        assert times[-1] <= len(samples) // SAMPLES_PER_MS


def hiss(level: float) -> Samples:
    noise: Samples = np.random.default_rng(3).standard_normal(6000 * SAMPLES_PER_MS, dtype=np.float32)
    return noise * np.float32(level)


@pytest.mark.parametrize("level", [0.0, 0.003])
def test_silence_and_faint_hiss_are_not_answered_with_text(micro: WhisperTranscriber, level: float) -> None:
    assert text_of(micro.transcribe(hiss(level), TranscribeOptions())) == ""


def test_loud_hiss_never_reaches_the_model(micro: WhisperTranscriber) -> None:
    recording = io.BytesIO()
    with wave.open(recording, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(SAMPLE_RATE_HZ)
        sound.writeframes((hiss(0.05) * 32767).astype(np.int16).tobytes())
    recording.seek(0)
    assert text_of(transcribe_audio(recording, micro)) == ""


def test_the_demonstration_recording_is_understood_whole(micro: WhisperTranscriber) -> None:
    known = json.loads((ROOT / "demo" / "recording.json").read_text(encoding="utf-8"))
    heard = text_of(transcribe_audio(ROOT / "demo" / "recording.flac", micro))
    for wrong, right in ENTITY_DICTIONARY.items():
        heard = heard.replace(wrong, right)
    said = " ".join(row["text"] for row in known["utterances"])
    assert word_error_rate(said, heard).rate < 0.10


def test_the_recording_says_what_the_script_says() -> None:
    known = json.loads((ROOT / "demo" / "recording.json").read_text(encoding="utf-8"))
    assert [(row["speaker"], row["text"]) for row in known["utterances"]] == [
        (line.speaker, line.text) for line in SCRIPT
    ]


def test_training_leaves_out_the_script_the_held_out_sentences_and_their_voices() -> None:
    kept_out = [line.text for line in SCRIPT] + [
        sentence.text for sentence in (*sets.held_out_council(), *sets.held_out_surnames())
    ]
    trained = sets.training()
    assert {" ".join(normalised_words(sentence.text)) for sentence in trained}.isdisjoint(
        " ".join(normalised_words(text)) for text in kept_out
    )
    spoken_by = {sentence.voice.partition("+")[2] for sentence in trained}
    assert spoken_by == set(TRAINING_VOICES)
    assert spoken_by.isdisjoint(HELD_OUT_VOICES)
    assert {voice.name.partition("+")[2] for voice in VOICES.values()} <= set(HELD_OUT_VOICES)


def test_the_model_is_small_enough_to_travel_with_the_source() -> None:
    assert sum(path.stat().st_size for path in MICRO_MODEL_DIR.iterdir()) < MODEL_BYTES
