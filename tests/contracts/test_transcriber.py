"""What every speech engine must do, on the same audio.

`ASTRA_TEST_ENGINE` (`whisper:<folder or name>`, as `ASTRA_ENGINE`) runs the suite on another Whisper model, for example
on large-v3-turbo.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from jobs.transcription.audio import decode_stream
from jobs.transcription.engine import SAMPLE_RATE_HZ, Samples, TranscribeOptions, Transcriber, TranscriptResult
from jobs.transcription.errors import EngineUnavailable, UnsupportedOption
from jobs.transcription.pipeline import transcribe_audio
from jobs.transcription.wer import WerResult, word_error_rate
from jobs.transcription.whisper import WhisperTranscriber
from jobs.transcription.whisper_model import ModelSource

FOLDER = Path(__file__).parents[1] / "data" / "speech" / "contract"
TRUTH = json.loads((FOLDER / "truth.json").read_text(encoding="utf-8"))
CLIPS: dict[str, dict[str, object]] = TRUTH["clips"]
OPTIONS = TranscribeOptions(language="es")
MAX_WER = 0.10
BORDER_TOLERANCE_MS = 300
"""The pipeline knows from voice activity where speech begins and ends."""


def _whisper(model: str | None = None) -> Transcriber:
    configured = os.environ.get("ASTRA_TEST_ENGINE", "whisper:micro").removeprefix("whisper:")
    return WhisperTranscriber(ModelSource(model or configured, device="cpu"))


ENGINES: dict[str, Callable[[], Transcriber]] = {"whisper": _whisper}
WITHOUT_MODEL: dict[str, Callable[[], Transcriber]] = {"whisper": lambda: _whisper("/no/such/model")}


@pytest.fixture(scope="module", params=ENGINES)
def engine(request: pytest.FixtureRequest) -> Transcriber:
    return ENGINES[request.param]()


@pytest.fixture(scope="module")
def heard(engine: Transcriber) -> dict[str, TranscriptResult]:
    """Each clip of the suite as the engine hears it."""
    return {name: engine.transcribe(_samples(name), OPTIONS) for name in CLIPS}


def _samples(name: str) -> Samples:
    return np.concatenate(list(decode_stream(FOLDER / f"{name}.flac")))


def test_the_text_is_what_was_said(heard: dict[str, TranscriptResult]) -> None:
    total = WerResult(0, 0, 0, 0)
    for name, truth in CLIPS.items():
        total += word_error_rate(str(truth["text"]), heard[name].text)
    assert total.rate < MAX_WER, {name: result.text for name, result in heard.items()}


@pytest.mark.parametrize("name", CLIPS)
def test_times_are_ordered_and_inside_the_clip(heard: dict[str, TranscriptResult], name: str) -> None:
    result = heard[name]
    words = [word for segment in result.segments for word in segment.words]
    times_ms = [time_ms for word in words for time_ms in (word.start_ms, word.end_ms)]
    assert [0, *times_ms, result.duration_ms] == sorted([0, *times_ms, result.duration_ms])
    for segment in result.segments:
        assert (segment.start_ms, segment.end_ms) == (segment.words[0].start_ms, segment.words[-1].end_ms)


def test_times_are_near_the_truth(heard: dict[str, TranscriptResult]) -> None:
    errors_ms = []
    for name, truth in CLIPS.items():
        segments = heard[name].segments
        errors_ms.append(abs(segments[0].start_ms - int(str(truth["start_ms"]))))
        errors_ms.append(abs(segments[-1].end_ms - int(str(truth["end_ms"]))))
    assert np.median(errors_ms) <= 300, errors_ms
    assert max(errors_ms) <= 1000, errors_ms


def test_words_spell_the_text(heard: dict[str, TranscriptResult]) -> None:
    for result in heard.values():
        for segment in result.segments:
            assert "".join(word.text for word in segment.words) == segment.text.replace(" ", "")


def test_confidence_is_a_probability_and_high_on_clear_speech(heard: dict[str, TranscriptResult]) -> None:
    segments = [segment for result in heard.values() for segment in result.segments]
    assert all(0 <= segment.confidence <= 1 for segment in segments)
    assert all(0 <= word.confidence <= 1 for segment in segments for word in segment.words)
    assert np.median([segment.confidence for segment in segments]) > 0.7


def test_the_result_names_language_length_engine_and_model(
    engine: Transcriber, heard: dict[str, TranscriptResult]
) -> None:
    for name, result in heard.items():
        assert result.language == "es"
        assert result.duration_ms == len(_samples(name)) * 1000 // SAMPLE_RATE_HZ
        assert (result.engine, result.model) == (engine.engine, engine.model)
        assert engine.model


def test_the_result_survives_json(heard: dict[str, TranscriptResult]) -> None:
    for result in heard.values():
        assert TranscriptResult.from_json(json.loads(json.dumps(result.to_json()))) == result


def test_the_same_clip_gives_the_same_result(engine: Transcriber, heard: dict[str, TranscriptResult]) -> None:
    assert engine.transcribe(_samples("plan"), OPTIONS) == heard["plan"]


@pytest.mark.parametrize("length_s", [0.0, 0.5, 4.0])
def test_silence_gives_nothing(engine: Transcriber, length_s: float) -> None:
    samples = np.zeros(int(length_s * SAMPLE_RATE_HZ), dtype=np.float32)
    result = engine.transcribe(samples, OPTIONS)
    assert result.segments == ()
    assert result.duration_ms == length_s * 1000


def test_faint_noise_gives_nothing(engine: Transcriber) -> None:
    noise = np.random.default_rng(5).normal(0, 0.002, 4 * SAMPLE_RATE_HZ).astype(np.float32)
    assert engine.transcribe(noise, OPTIONS).segments == ()


def test_words_are_left_out_when_not_asked_for(engine: Transcriber) -> None:
    result = engine.transcribe(_samples("visit"), TranscribeOptions(word_timestamps=False))
    assert all(segment.words == () for segment in result.segments)
    assert all(0 <= segment.start_ms <= segment.end_ms <= result.duration_ms for segment in result.segments)
    assert word_error_rate("Invito al alcalde a visitar la biblioteca.", result.text).rate < 0.5


def test_hints_never_make_it_fail(engine: Transcriber) -> None:
    options = TranscribeOptions(hotwords=("Romero", "Quibdó"), initial_prompt="Sesión del concejo.")
    assert "biblioteca" in engine.transcribe(_samples("visit"), options).text.lower()


@pytest.mark.parametrize(
    "options",
    [
        TranscribeOptions(language="xx"),
        TranscribeOptions(beam_size=0),
        TranscribeOptions(max_clip_s=600),
        TranscribeOptions(max_clip_s=0),
    ],
)
def test_an_unsupported_option_is_refused(engine: Transcriber, options: TranscribeOptions) -> None:
    with pytest.raises(UnsupportedOption) as caught:
        engine.transcribe(_samples("visit"), options)
    assert caught.value.code == "unsupported_option"


def test_a_clip_longer_than_the_model_hears_is_refused(engine: Transcriber) -> None:
    samples = np.zeros(int((engine.max_clip_s + 1) * SAMPLE_RATE_HZ), dtype=np.float32)
    with pytest.raises(UnsupportedOption):
        engine.transcribe(samples, OPTIONS)


@pytest.mark.parametrize("name", ENGINES)
def test_two_threads_may_share_a_fresh_engine(name: str, heard: dict[str, TranscriptResult]) -> None:
    engine = ENGINES[name]()
    names = list(CLIPS) * 2
    with ThreadPoolExecutor(2) as pool:
        results = list(pool.map(lambda clip: engine.transcribe(_samples(clip), OPTIONS), names))
    assert results == [heard[clip] for clip in names]


@pytest.mark.parametrize("name", WITHOUT_MODEL)
def test_a_missing_model_is_said_plainly(name: str) -> None:
    with pytest.raises(EngineUnavailable) as caught:
        WITHOUT_MODEL[name]().transcribe(_samples("visit"), OPTIONS)
    assert caught.value.code == "engine_unavailable"
    assert not caught.value.permanent
    assert "ASTRA_" in caught.value.message


def test_a_whole_recording_keeps_its_text_and_its_times(engine: Transcriber) -> None:
    done_ms: list[int] = []
    result = transcribe_audio(FOLDER / "session.flac", engine, OPTIONS, done_ms.append)
    reference = " ".join(str(truth["text"]) for truth in CLIPS.values())
    assert word_error_rate(reference, result.text).rate < MAX_WER, result.text
    assert len(result.segments) == len(CLIPS)
    for segment, truth in zip(result.segments, CLIPS.values(), strict=True):
        assert segment.start_ms == pytest.approx(truth["session_start_ms"], abs=BORDER_TOLERANCE_MS)
        assert segment.end_ms == pytest.approx(truth["session_end_ms"], abs=BORDER_TOLERANCE_MS)
    assert all(before.end_ms <= after.start_ms for before, after in pairwise(result.segments))
    assert done_ms == sorted(done_ms)
    assert done_ms[-1] == result.duration_ms == TRUTH["session"]["duration_ms"]
