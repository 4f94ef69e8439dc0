"""What is audio, what is not, and what is only a part of it."""

from __future__ import annotations

import contextlib
import io
import struct
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from astra_site.lib.errors import InvalidInput, TooLarge
from jobs.transcription.audio import check_audio, decode_stream, probe
from jobs.transcription.engine import SAMPLE_RATE_HZ
from jobs.transcription.errors import AudioEmpty, AudioMalformed, AudioTooLarge, AudioTruncated, AudioUnreadable
from jobs.transcription.frames import AudioLimits
from tests.transcription.encodings import WHOLE, encode, wav_header


@pytest.mark.parametrize("name", WHOLE)
def test_every_encoding_is_recognised_by_content_and_decoded_to_its_end(name: str) -> None:
    data = encode(name, length_ms=3000)
    info = check_audio(data)
    muxer, _, rate_hz, layout = WHOLE[name]
    assert info.container == {"ipod": "m4a"}.get(muxer, muxer)
    assert info.sample_rate_hz == rate_hz
    assert info.channels == {"mono": 1, "stereo": 2}[layout]
    assert info.duration_ms == pytest.approx(3000, abs=60)
    assert probe(io.BytesIO(data)).duration_ms == pytest.approx(3000, abs=60)
    samples = np.concatenate(list(decode_stream(io.BytesIO(data))))
    assert samples.dtype == np.float32
    assert len(samples) == pytest.approx(3 * SAMPLE_RATE_HZ, abs=0.06 * SAMPLE_RATE_HZ)
    assert 0.05 < float(np.abs(samples).max()) <= 1.0


@pytest.mark.parametrize("share", [0.35, 0.5, 0.77, 0.98])
@pytest.mark.parametrize("name", WHOLE)
def test_a_file_that_was_cut_off_is_refused(name: str, share: float) -> None:
    data = encode(name)
    with pytest.raises(AudioTruncated) as caught:
        check_audio(data[: int(len(data) * share)])
    assert caught.value.code == "audio_truncated"
    assert caught.value.permanent


def _announcing_half(name: str) -> bytes:
    """A recording of 3 s whose container announces 1.5 s (one frame in all for MP3)."""
    data = bytearray(encode(name))
    if name == "flac":
        # STREAMINFO: 36 bits of samples, the upper 4 of them in the byte before.
        data[22:26] = (24_000).to_bytes(4, "big")
    elif name == "webm":
        at = data.index(b"\x44\x89\x88") + 3
        data[at : at + 8] = struct.pack(">d", struct.unpack(">d", data[at : at + 8])[0] / 2)
    elif name == "mp3":
        at = next(data.index(mark) for mark in (b"Xing", b"Info") if mark in data) + 8
        data[at : at + 4] = (int.from_bytes(data[at : at + 4], "big") // 2).to_bytes(4, "big")
    elif name == "m4a":
        at = data.index(b"mdhd") + 4 + 16
        data[at : at + 4] = (int.from_bytes(data[at : at + 4], "big") // 2).to_bytes(4, "big")
    return bytes(data)


@pytest.mark.parametrize("name", ["flac", "webm", "mp3", "m4a"])
def test_more_audio_than_announced_is_refused(name: str) -> None:
    data = _announcing_half(name)
    for read in (check_audio, lambda data: list(decode_stream(io.BytesIO(data)))):
        with pytest.raises(AudioMalformed) as caught:
            read(data)
        assert caught.value.code == "audio_malformed"


def test_recorders_that_announce_nothing_are_read_to_the_end() -> None:
    flac = bytearray(encode("flac"))
    flac[21] &= 0xF0
    flac[22:26] = bytes(4)
    assert check_audio(bytes(flac)).duration_ms == pytest.approx(3000, abs=10)
    webm = bytearray(encode("webm"))
    at = webm.index(b"\x44\x89\x88")
    webm[at : at + 11] = b"\xec\x89" + bytes(9)
    assert check_audio(bytes(webm)).duration_ms == pytest.approx(3000, abs=60)


def test_an_ogg_stream_cut_between_two_pages_is_refused() -> None:
    data = encode("ogg-opus")
    last_page = data.rindex(b"OggS")
    with pytest.raises(AudioTruncated):
        check_audio(data[:last_page])


def test_a_flac_file_with_a_damaged_middle_is_refused() -> None:
    data = bytearray(encode("flac"))
    middle = len(data) // 2
    data[middle : middle + 2000] = bytes(2000)
    with pytest.raises(AudioTruncated):
        check_audio(bytes(data))


def _zip() -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr("audio.wav", encode("wav", 500))
    return target.getvalue()


NOT_AUDIO = {
    "text": "Siendo las nueve de la mañana".encode() * 50,
    "zip": _zip(),
    "playlist": b"#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n",
    "concatenation script": b"ffconcat version 1.0\nfile /etc/passwd\n",
    "session description": b"v=0\no=- 0 0 IN IP4 127.0.0.1\nc=IN IP4 127.0.0.1\nm=audio 9 RTP/AVP 0\n",
    "zeros": bytes(5000),
    "noise": np.random.default_rng(3).bytes(5000),
    "mp3 frame header before noise": b"\xff\xfb\x90\x00" + np.random.default_rng(4).bytes(20_000),
    "flac magic alone": b"fLaC" + bytes(500),
    "wav without data": b"RIFF\x24\0\0\0WAVE",
    "wav with a picture codec": b"RIFF\x24\0\0\0WAVEfmt \x10\0\0\0\x99\x99" + bytes(14) + b"data\x04\0\0\0abcd",
    "wav at 4 GHz": wav_header(4000, rate_hz=4_000_000_000) + bytes(4000),
    "wav with 60,000 channels": wav_header(240_000, channels=60_000) + bytes(240_000),
    "matroska magic alone": b"\x1aE\xdf\xa3\x80",
}


@pytest.mark.parametrize("name", NOT_AUDIO)
def test_what_is_not_audio_is_refused(name: str) -> None:
    with pytest.raises(AudioUnreadable) as caught:
        check_audio(NOT_AUDIO[name])
    assert caught.value.code == "audio_unreadable"


@pytest.mark.parametrize("data", [b"", wav_header(0)], ids=["no bytes", "no samples"])
def test_empty_audio_has_its_own_error(data: bytes) -> None:
    with pytest.raises(AudioEmpty) as caught:
        check_audio(data)
    assert caught.value.code == "audio_empty"


def test_a_header_that_claims_gigabytes_is_refused_without_asking_for_memory() -> None:
    with pytest.raises(AudioTruncated):
        check_audio(wav_header(0xF0000000) + bytes(10))


def test_a_wav_of_unknown_length_from_a_pipe_is_read_to_its_end() -> None:
    assert check_audio(wav_header(0xFFFFFFFF) + bytes(32_000)).duration_ms == 1000


def test_an_mp3_with_tags_on_both_ends_is_read() -> None:
    tag = b"ID3\x04\0\0\0\0\x02\x00" + bytes(256)
    info = check_audio(tag + encode("mp3") + b"TAG" + bytes(125))
    assert info.codec == "mp3"
    assert info.duration_ms == pytest.approx(3000, abs=60)


def test_not_a_number_and_too_loud_samples_become_valid_ones() -> None:
    data = bytearray(encode("wav-float"))
    data[-8:-4] = np.float32(np.nan).tobytes()
    data[-4:] = np.float32(1e9).tobytes()
    samples = np.concatenate(list(decode_stream(io.BytesIO(bytes(data)))))
    assert np.isfinite(samples).all()
    assert float(np.abs(samples).max()) <= 1.0


def test_limits_of_size_and_duration() -> None:
    data = encode("flac")
    with pytest.raises(AudioTooLarge):
        check_audio(data, AudioLimits(max_bytes=1000))
    with pytest.raises(AudioTooLarge) as caught:
        check_audio(data, AudioLimits(max_duration_ms=1000))
    assert caught.value.code == "audio_too_large"


def test_a_live_chunk_takes_two_minutes_at_most() -> None:
    assert check_audio(wav_header(119 * 32_000) + bytes(119 * 32_000)).duration_ms == 119_000
    with pytest.raises(AudioTooLarge):
        check_audio(wav_header(121 * 32_000) + bytes(121 * 32_000))


def test_many_channels_at_a_high_rate_count_like_a_longer_recording() -> None:
    samples = 8 * 384_000
    with pytest.raises(AudioTooLarge) as caught:
        check_audio(wav_header(samples * 2, 384_000, 8) + bytes(samples * 2), AudioLimits(max_samples=samples - 1))
    assert "sample rate" in caught.value.message


def test_an_announcement_over_the_limit_is_refused_before_decoding() -> None:
    flac = bytearray(encode("flac"))
    flac[22:26] = (16_000 * 121).to_bytes(4, "big")
    with pytest.raises(AudioTooLarge):
        check_audio(bytes(flac))


class _CountingFile(io.BytesIO):
    """A file that knows how far it has been read."""

    furthest = 0

    def read(self, size: int | None = -1, /) -> bytes:
        data = super().read(size)
        self.furthest = max(self.furthest, self.tell())
        return data


def test_decoding_yields_pieces_before_the_file_has_been_read() -> None:
    data = wav_header(60 * 32_000) + bytes(60 * 32_000)
    source = _CountingFile(data)
    pieces = decode_stream(source, chunk_s=2.0)
    assert len(next(pieces)) == 2 * SAMPLE_RATE_HZ
    assert source.furthest < len(data) / 4
    assert [len(piece) for piece in pieces] == [2 * SAMPLE_RATE_HZ] * 29


def test_a_path_is_read_like_a_file_object(tmp_path: Path) -> None:
    path = tmp_path / "wrong-extension.txt"
    path.write_bytes(encode("m4a"))
    assert probe(path).container == "m4a"
    assert probe(str(path)).codec == "aac"


def test_a_cut_recording_still_gives_the_pieces_before_the_cut() -> None:
    data = encode("flac", 6000)
    pieces: Iterator[np.ndarray] = decode_stream(io.BytesIO(data[: len(data) // 2]), chunk_s=1.0)
    assert len(next(pieces)) == SAMPLE_RATE_HZ
    with pytest.raises(AudioTruncated):
        list(pieces)


@pytest.mark.parametrize("name", WHOLE)
def test_whatever_the_damage_the_answer_is_ours(name: str) -> None:
    whole, random = encode(name, 800), np.random.default_rng(11)
    for _ in range(60):
        data = bytearray(whole)
        for _ in range(int(random.integers(1, 6))):
            at = int(random.integers(0, min(len(data), int(random.choice([60, 600, len(data)])))))
            data[at : at + int(random.integers(0, 9))] = random.bytes(int(random.integers(0, 9)))
        # Anything but an error of ours fails the test by itself.
        with contextlib.suppress(InvalidInput, TooLarge):
            pieces = list(decode_stream(io.BytesIO(bytes(data))))
            assert sum(map(len, pieces)) > 0
