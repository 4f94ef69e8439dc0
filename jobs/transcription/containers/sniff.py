"""Recognition by magic bytes. What is not recognised is never handed to FFmpeg, so playlists can't open anything."""

from __future__ import annotations

import os
from enum import StrEnum
from typing import BinaryIO, Final

from jobs.transcription.containers import ebml, isobmff, mpeg, ogg, riff
from jobs.transcription.errors import AudioUnreadable

_HEAD_BYTES: Final = 16


class Container(StrEnum):
    """The accepted containers; the value is what `AudioInfo.container` says."""

    WAV = "wav"
    FLAC = "flac"
    MP3 = "mp3"
    OGG = "ogg"
    WEBM = "webm"
    M4A = "m4a"


def sniff(stream: BinaryIO) -> Container:
    """Tell the container from the first bytes of a seekable stream; leaves the stream at its start.

    Raises:
        AudioUnreadable: the content is none of the accepted containers.
    """
    stream.seek(0)
    head = stream.read(_HEAD_BYTES)
    stream.seek(0)
    if head[:4] in (b"RIFF", b"RF64") and head[8:12] == b"WAVE":
        return Container.WAV
    if head[:4] == b"fLaC":
        return Container.FLAC
    if head[:4] == b"OggS":
        return Container.OGG
    if head[:4] == b"\x1aE\xdf\xa3":
        return Container.WEBM
    if head[4:8] in (b"ftyp", b"styp"):
        return Container.M4A
    if head[:3] == b"ID3" or mpeg.frame_bytes(head[:4]) is not None:
        return Container.MP3
    raise AudioUnreadable("The content is not WAV, FLAC, MP3, Ogg, WebM or M4A audio.")


def announced_audio(stream: BinaryIO, container: Container) -> bool:
    """Check that every part the container announces is there; leaves the stream at its start.

    Returns:
        True when the container announces its own duration reliably, so that a decoder that stops earlier means loss.

    Raises:
        AudioTruncated: the file ends inside a part that it announces.
        AudioUnreadable: the bookkeeping itself makes no sense.
    """
    stream.seek(0, os.SEEK_END)
    size_bytes = stream.tell()
    reliable = {
        Container.WAV: riff.check,
        Container.FLAC: _flac,
        Container.MP3: mpeg.check,
        Container.OGG: ogg.check,
        Container.WEBM: ebml.check,
        Container.M4A: isobmff.check,
    }[container](stream, size_bytes)
    stream.seek(0)
    return reliable


def _flac(stream: BinaryIO, size_bytes: int) -> bool:
    """FLAC announces its number of samples; the decoder's checksums find the rest."""
    del stream, size_bytes
    return True
