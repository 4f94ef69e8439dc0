"""A ZIP from a stranger: nothing outside it is touched, and what is absurd is refused before it is unpacked."""

from __future__ import annotations

import stat
import struct
import warnings
import zipfile
import zlib
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import pytest

from astra_verify import bundle
from astra_verify.bundle import open_bundle
from astra_verify.findings import Disproved, UnreadableInput


def zip_with(folder: Path, *entries: tuple[str | zipfile.ZipInfo, bytes]) -> Path:
    place = folder / "hostile.zip"
    with zipfile.ZipFile(place, "w", zipfile.ZIP_DEFLATED) as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name, data in entries:
            archive.writestr(name, data)
    return place


@pytest.mark.parametrize(
    "name", ["../outside", "/etc/passwd", "a/../../b", "a\\..\\b", "C:/x", "audio//x", "./x", ".hidden", "a\nb", "ñ"]
)
def test_paths_that_lead_elsewhere_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(UnreadableInput, match="path that evidence can't have"):
        open_bundle(zip_with(tmp_path, (name, b"x")))


def test_the_same_name_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnreadableInput, match="twice"):
        open_bundle(zip_with(tmp_path, ("snapshot.json", b"{}"), ("snapshot.json", b"[]")))


def test_a_bomb_is_refused_unopened(tmp_path: Path) -> None:
    with pytest.raises(UnreadableInput, match="bomb"):
        open_bundle(zip_with(tmp_path, ("journal.jsonl", bytes(20 * 1024 * 1024))))


def test_a_symbolic_link_is_refused(tmp_path: Path) -> None:
    entry = zipfile.ZipInfo("document.docx")
    entry.external_attr = (stat.S_IFLNK | 0o777) << 16
    with pytest.raises(UnreadableInput, match="symbolic link"):
        open_bundle(zip_with(tmp_path, (entry, b"/etc/passwd")))


def test_a_symbolic_link_in_a_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "evidence").mkdir()
    (tmp_path / "evidence" / "document.docx").symlink_to("/etc/passwd")
    with pytest.raises(UnreadableInput, match="symbolic link"):
        open_bundle(tmp_path / "evidence")


def test_too_many_files_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundle, "MAX_FILES", 3)
    with pytest.raises(UnreadableInput, match="more than 3 files"):
        open_bundle(zip_with(tmp_path, *((f"f{number}", b"") for number in range(4))))


def test_too_many_bytes_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundle, "MAX_TOTAL_BYTES", 10)
    with pytest.raises(UnreadableInput, match="more than 10 bytes"):
        open_bundle(zip_with(tmp_path, ("a", b"123456"), ("b", b"123456")))


def test_damaged_content_is_a_finding_and_no_crash(tmp_path: Path) -> None:
    place = zip_with(tmp_path, ("document.docx", bytes(range(256)) * 20))
    data = bytearray(place.read_bytes())
    data[60] ^= 0xFF
    place.write_bytes(data)
    with pytest.raises(Disproved, match=r"document\.docx"):
        open_bundle(place).sha256("document.docx")


def test_a_truncated_zip_is_unreadable(tmp_path: Path) -> None:
    place = zip_with(tmp_path, ("document.docx", b"x" * 100))
    place.write_bytes(place.read_bytes()[:-30])
    with pytest.raises(UnreadableInput):
        open_bundle(place)


FORGED = b"PK forged minutes"
END_BYTES = 22


def local_entry(name: bytes = b"document.docx", data: bytes = FORGED) -> bytes:
    """A stored file as a reader meets it who does not look at the directory."""
    figures = (20, 0, 0, 0, 33, zlib.crc32(data), len(data), len(data), len(name), 0)
    return struct.pack("<4s5H3L2H", b"PK\x03\x04", *figures) + name + data


def with_bytes(data: bytes, place: int, new: bytes, *, directory_moved: bool = True) -> bytes:
    """A ZIP with bytes put in; the end record is put right for a directory that moved."""
    start = struct.unpack_from("<L", data, len(data) - 6)[0]
    changed = bytearray(data[:place] + new + data[place:])
    if directory_moved:
        struct.pack_into("<L", changed, len(changed) - 6, start + len(new))
    return bytes(changed)


def directory_start(data: bytes) -> int:
    start: int = struct.unpack_from("<L", data, len(data) - 6)[0]
    return start


def hidden_before_directory(data: bytes) -> bytes:
    return with_bytes(data, directory_start(data), local_entry())


def hidden_between_entries(data: bytes) -> bytes:
    second = data.index(b"PK\x03\x04", 4)
    moved = bytearray(with_bytes(data, second, local_entry()))
    for at in found_at(bytes(moved), b"PK\x01\x02")[1:]:
        struct.pack_into("<L", moved, at + 42, struct.unpack_from("<L", moved, at + 42)[0] + len(local_entry()))
    return bytes(moved)


def hidden_in_front(data: bytes) -> bytes:
    return local_entry() + data


def hidden_behind_directory(data: bytes) -> bytes:
    return with_bytes(data, len(data) - END_BYTES, local_entry(), directory_moved=False)


def hidden_at_the_end(data: bytes) -> bytes:
    return data + local_entry()


def comment(data: bytes) -> bytes:
    return data[:-2] + struct.pack("<H", len(FORGED)) + FORGED


def other_local_name(data: bytes) -> bytes:
    return data.replace(b"config.json", b"c0nfig.json", 1)


def other_local_flags(data: bytes) -> bytes:
    return data[:6] + b"\x08\x00" + data[8:]


def other_local_size(data: bytes) -> bytes:
    return data[:22] + struct.pack("<L", 1) + data[26:]


def more_entries_than_listed(data: bytes) -> bytes:
    return data[:-14] + struct.pack("<2H", 1, 1) + data[-10:]


def found_at(data: bytes, mark: bytes) -> list[int]:
    return [at for at in range(len(data)) if data.startswith(mark, at)]


LAYOUTS: list[Callable[[bytes], bytes]] = [
    hidden_before_directory,
    hidden_between_entries,
    hidden_in_front,
    hidden_behind_directory,
    hidden_at_the_end,
    comment,
    other_local_name,
    other_local_flags,
    other_local_size,
    more_entries_than_listed,
]


@pytest.mark.parametrize("change", LAYOUTS)
def test_a_zip_that_means_something_else_to_another_reader_is_refused(
    change: Callable[[bytes], bytes], tmp_path: Path
) -> None:
    honest = zip_with(tmp_path, ("config.json", b"{}"), ("document.docx", b"PK the minutes"))
    assert open_bundle(honest).paths == ["config.json", "document.docx"]
    honest.write_bytes(change(honest.read_bytes()))
    with pytest.raises(UnreadableInput):
        open_bundle(honest)


def test_bytes_behind_the_end_of_packed_data_are_refused(tmp_path: Path) -> None:
    place = zip_with(tmp_path, ("document.docx", b"the minutes " * 9))
    data = bytearray(place.read_bytes())
    packed = struct.unpack_from("<L", data, 18)[0]
    data = bytearray(with_bytes(bytes(data), 30 + len("document.docx") + packed, local_entry()))
    for at in (18, directory_start(bytes(data)) + 20):
        struct.pack_into("<L", data, at, packed + len(local_entry()))
    place.write_bytes(data)
    with pytest.raises(UnreadableInput, match="behind the data"):
        open_bundle(place)


def test_a_header_field_that_renames_the_file_is_refused(tmp_path: Path) -> None:
    entry = zipfile.ZipInfo("document.docx")
    entry.extra = struct.pack("<2HBL", 0x7075, 5 + 10, 1, zlib.crc32(b"document.docx")) + b"other.docx"
    with pytest.raises(UnreadableInput, match="unusual header field"):
        open_bundle(zip_with(tmp_path, (entry, b"x")))


def test_large_files_and_folders_that_common_packers_note_are_taken(tmp_path: Path) -> None:
    place = tmp_path / "evidence.zip"
    with zipfile.ZipFile(place, "w") as archive:
        archive.writestr("audio/", b"")
        with archive.open(zipfile.ZipInfo("audio/x.wav"), "w", force_zip64=True) as target:
            target.write(b"RIFF")
    assert open_bundle(place).read("audio/x.wav") == b"RIFF"


def test_the_long_form_of_the_end_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zipfile, "ZIP_FILECOUNT_LIMIT", 1)
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("a", b"1")
        archive.writestr("b", b"2")
    place = tmp_path / "evidence.zip"
    place.write_bytes(buffer.getvalue())
    assert open_bundle(place).read("b") == b"2"
    place.write_bytes(buffer.getvalue().replace(b"PK\x06\x06" + struct.pack("<Q", 44), b"PK\x06\x06" + bytes(8)))
    with pytest.raises(UnreadableInput):
        open_bundle(place)
