"""A ZIP from a stranger: nothing outside it is touched, and what is absurd is refused before it is unpacked."""

from __future__ import annotations

import stat
import warnings
import zipfile
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
