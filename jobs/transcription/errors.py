"""Errors of the transcription package; each has one stable code."""

from __future__ import annotations

from astra_site.lib.errors import InvalidInput, TooLarge, Unavailable, Unsupported


class AudioUnreadable(InvalidInput):
    """The bytes are not audio of a kind that is accepted here."""

    def __init__(self, message: str, **details: object) -> None:
        super().__init__("audio_unreadable", message, details=details)


class AudioTruncated(InvalidInput):
    """The audio stops, or stops being decodable, before the end that its container announces."""

    def __init__(self, message: str, **details: object) -> None:
        super().__init__("audio_truncated", message, details=details)


class AudioMalformed(InvalidInput):
    """The audio goes on after the end that its container announces."""

    def __init__(self, message: str, **details: object) -> None:
        super().__init__("audio_malformed", message, details=details)


class AudioEmpty(InvalidInput):
    """There are no bytes, or a valid container without a single sample."""

    def __init__(self, message: str, **details: object) -> None:
        super().__init__("audio_empty", message, details=details)


class AudioTooLarge(TooLarge):
    """More bytes or a longer duration than the limits allow."""

    def __init__(self, message: str, **details: object) -> None:
        super().__init__("audio_too_large", message, details=details)


class UnsupportedOption(Unsupported):
    """The engine can't honour an option, a language, or the length of a clip."""

    def __init__(self, message: str, **details: object) -> None:
        super().__init__("unsupported_option", message, details=details)


class UnknownEngine(Unsupported):
    """No engine is registered by that name."""

    def __init__(self, message: str, **details: object) -> None:
        super().__init__("unknown_engine", message, details=details)


class EngineUnavailable(Unavailable):
    """The engine or its model can't be loaded now; the message says what to do."""

    def __init__(self, message: str, **details: object) -> None:
        super().__init__("engine_unavailable", message, details=details)


class EngineFailed(Unavailable):
    """The loaded engine failed on a clip, for example for lack of memory; another try may succeed."""

    def __init__(self, message: str, **details: object) -> None:
        super().__init__("engine_failed", message, details=details)
