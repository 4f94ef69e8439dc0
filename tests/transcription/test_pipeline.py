"""From a recording to one transcript: which clips the engine is given, and where its words land."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest

from jobs.transcription.audio import decode_stream
from jobs.transcription.engine import SAMPLE_RATE_HZ, Samples, Segment, TranscribeOptions, TranscriptResult, Word
from jobs.transcription.errors import AudioTruncated
from jobs.transcription.pipeline import transcribe_audio
from jobs.transcription.speech_clips import SpeechClips
from jobs.transcription.vad import SileroStream
from tests.transcription.encodings import wav_header

SPEECH = Path(__file__).parents[1] / "data" / "speech" / "contract"


class ListeningEngine:
    """An engine that hears one two-sentence segment in every clip, and remembers the clips."""

    engine = "listening"
    model = "none"

    def __init__(self, max_clip_s: float = 30.0) -> None:
        self.max_clip_s = max_clip_s
        self.clips: list[Samples] = []
        self.silent_end_ms = 0

    def transcribe(self, samples: Samples, options: TranscribeOptions) -> TranscriptResult:
        self.clips.append(samples)
        duration_ms = len(samples) * 1000 // SAMPLE_RATE_HZ
        words = (Word("Uno.", 10, 20, 0.5), Word("Dos.", 20, duration_ms - self.silent_end_ms, 1.0))
        segment = Segment("Uno. Dos.", 10, words[-1].end_ms, 0.75, words)
        return TranscriptResult((segment,), options.language, duration_ms, self.engine, self.model)


def _wav(samples: Samples) -> io.BytesIO:
    data = (samples * 32767).astype("<i2").tobytes()
    return io.BytesIO(wav_header(len(data)) + data)


def _speech(name: str) -> Samples:
    return np.concatenate(list(decode_stream(SPEECH / f"{name}.flac")))


def test_silence_gives_an_empty_transcript_without_asking_the_engine() -> None:
    engine = ListeningEngine()
    done_ms: list[int] = []
    result = transcribe_audio(_wav(np.zeros(5 * SAMPLE_RATE_HZ, dtype=np.float32)), engine, on_progress=done_ms.append)
    assert result == TranscriptResult((), "es", 5000, "listening", "none")
    assert engine.clips == []
    assert done_ms == [5000]


def test_times_count_from_the_start_of_the_recording() -> None:
    speech = _speech("visit")
    lead = np.zeros(20 * SAMPLE_RATE_HZ, dtype=np.float32)
    engine = ListeningEngine()
    result = transcribe_audio(_wav(np.concatenate((lead, speech))), engine)
    uno, dos = result.segments
    assert (uno.text, dos.text) == ("Uno.", "Dos.")
    clip_start_ms = uno.start_ms
    assert uno.words[0].start_ms == clip_start_ms + 10
    assert 20_000 <= clip_start_ms <= 20_000 + 300
    assert dos.end_ms == clip_start_ms + len(engine.clips[0]) * 1000 // SAMPLE_RATE_HZ
    whole = np.concatenate((lead, speech))[clip_start_ms * 16 :]
    assert np.allclose(engine.clips[0], whole[: len(engine.clips[0])], atol=1e-4)


def test_outer_units_reach_to_a_border_that_is_near_and_not_further() -> None:
    engine = ListeningEngine()
    engine.silent_end_ms = 400
    near = transcribe_audio(SPEECH / "result.flac", engine)
    engine.silent_end_ms = 2000
    far = transcribe_audio(SPEECH / "result.flac", engine)
    assert near.segments[-1].end_ms == near.segments[-1].words[-1].end_ms + 400
    assert far.segments[-1].end_ms == far.segments[-1].words[-1].end_ms + 1000


@pytest.mark.parametrize("max_clip_s", [3.0, 6.0, 30.0])
def test_no_clip_is_longer_than_engine_and_options_allow(max_clip_s: float) -> None:
    by_engine, by_options = ListeningEngine(max_clip_s), ListeningEngine()
    first = transcribe_audio(SPEECH / "session.flac", by_engine)
    second = transcribe_audio(SPEECH / "session.flac", by_options, TranscribeOptions(max_clip_s=max_clip_s))
    assert first == second
    assert 0 < max(len(clip) for clip in by_engine.clips) <= max_clip_s * SAMPLE_RATE_HZ


@pytest.mark.parametrize("piece_samples", [999, 16_000, 400_000])
def test_the_pieces_of_the_stream_do_not_change_the_clips(piece_samples: int) -> None:
    whole = _speech("session")
    expected = [(clip.span, clip.samples.tobytes()) for clip in SpeechClips([whole], 30_000)]
    pieces = np.array_split(whole, range(piece_samples, len(whole), piece_samples))
    assert [(clip.span, clip.samples.tobytes()) for clip in SpeechClips(pieces, 30_000)] == expected


def test_probabilities_are_those_of_silero_on_the_whole_recording() -> None:
    from faster_whisper.vad import get_vad_model

    whole = _speech("session")
    padded = np.pad(whole, (0, -len(whole) % 512))
    expected = get_vad_model()(padded).reshape(-1)
    stream = SileroStream()
    found = [stream.feed(piece) for piece in np.array_split(whole, 7)]
    assert np.allclose(np.concatenate([*found, stream.finish()]), expected, atol=1e-4)


def test_speech_without_a_pause_is_cut_as_it_comes_and_nothing_is_lost() -> None:
    spoken = _speech("result")[7000:50_000]
    endless = np.tile(spoken, 30)
    clips = SpeechClips(np.array_split(endless, 40), 6000)
    found = []
    for clip in clips:
        found.append(clip)
        assert clips.duration_ms - clip.span.end_ms < 20_000
    assert all(clip.span.length_ms <= 6000 for clip in found)
    assert sum(clip.span.length_ms for clip in found) > 0.9 * len(endless) / 16


def test_a_recording_that_was_cut_off_gives_no_transcript() -> None:
    data = (SPEECH / "session.flac").read_bytes()
    with pytest.raises(AudioTruncated):
        transcribe_audio(io.BytesIO(data[: len(data) // 2]), ListeningEngine())
