"""A recording of any length to one transcript: decode, find speech, cut clips, ask the engine, put together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from jobs.transcription.audio import FILE_LIMITS, decode_stream
from jobs.transcription.engine import Segment, TranscribeOptions, Transcriber, TranscriptResult
from jobs.transcription.frames import AudioLimits, AudioSource
from jobs.transcription.sentences import split_sentences
from jobs.transcription.speech_clips import Clip, SpeechClips

OnProgress = Callable[[int], None]
"""Called with the ms of audio that are done, never decreasing; the last call gives the whole length."""

_PIECE_S: Final = 10.0
_BORDER_REACH_MS: Final = 1000


def transcribe_audio(
    source: AudioSource,
    transcriber: Transcriber,
    options: TranscribeOptions | None = None,
    on_progress: OnProgress | None = None,
    limits: AudioLimits = FILE_LIMITS,
) -> TranscriptResult:
    """Transcribe a recording in memory that does not grow with its length (but for the text).

    Speech is cut at silences into clips of at most `options.max_clip_s` or what the engine hears well, whichever is
    shorter. Segments are sentence-like units in order, with times from the start of the recording. A recording
    without speech gives an empty transcript without any call of the engine.

    Args:
        source: a path, or a seekable binary file object.
        options: binding for the engine, see `TranscribeOptions`.

    Raises:
        AudioEmpty, AudioUnreadable, AudioTruncated, AudioTooLarge: the recording.
        UnsupportedOption, EngineUnavailable, EngineFailed: the engine.
    """
    wanted = options or TranscribeOptions()
    report = on_progress or _ignore
    clips = speech_clips(source, transcriber, wanted, limits)
    segments: list[Segment] = []
    for clip in clips:
        segments.extend(clip_segments(clip, transcriber, wanted))
        report(clip.span.end_ms)
    report(clips.duration_ms)
    return TranscriptResult(tuple(segments), wanted.language, clips.duration_ms, transcriber.engine, transcriber.model)


def speech_clips(
    source: AudioSource, transcriber: Transcriber, options: TranscribeOptions, limits: AudioLimits = FILE_LIMITS
) -> SpeechClips:
    """The clips of a recording that suit an engine; decoding happens as they are taken."""
    max_clip_ms = int(min(options.max_clip_s, transcriber.max_clip_s) * 1000)
    return SpeechClips(decode_stream(source, _PIECE_S, limits), max_clip_ms)


def clip_segments(clip: Clip, transcriber: Transcriber, options: TranscribeOptions) -> list[Segment]:
    """Transcribe one clip: sentence-like units with times from the start of the recording.

    Engines place the first and the last word of a clip less well than voice activity does: the outer units reach to
    the border of the clip where that is near. Times of words stay what the engine said.
    """
    heard = transcriber.transcribe(clip.samples, options).segments
    units = [unit.shifted(clip.span.start_ms) for segment in heard for unit in split_sentences(segment)]
    if units:
        first = units[0]
        units[0] = replace(first, start_ms=max(clip.span.start_ms, first.start_ms - _BORDER_REACH_MS))
        units[-1] = replace(units[-1], end_ms=min(clip.span.end_ms, units[-1].end_ms + _BORDER_REACH_MS))
    return units


def _ignore(audio_done_ms: int) -> None:
    """Nobody wants to know."""
    del audio_done_ms
