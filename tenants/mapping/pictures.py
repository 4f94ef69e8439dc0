"""Pictures of a skeleton's pages, by LibreOffice where it is installed; without it the page shows the outline alone.

A document becomes a PDF and that one PNG a page, in a folder and a profile of their own that go afterwards. They are
kept beside the document in the object store, so it happens once per version. One conversion at a time in a process.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import tempfile
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from astra_site.lib.object_store import Bucket, object_store
from tenants.errors import PictureUnavailable
from tenants.mapping.outline import skeleton_bytes
from tenants.models import SkeletonVersion

MAX_PAGES: Final = 8
_TIMEOUT_S: Final = 60
_WAIT_S: Final = 20
_DOTS_PER_INCH: Final = 80
_PNG: Final = "image/png"
_NUMBER: Final = re.compile(r"-(\d+)\.png$")
_converting = threading.Lock()
_failed: set[str] = set()
"""Hashes of documents that gave no pictures in this process: they are not tried at every look."""


def can_draw() -> bool:
    """Say whether the programs are here."""
    return shutil.which("soffice") is not None and shutil.which("pdftoppm") is not None


def page_picture(version: SkeletonVersion, page: int) -> bytes:
    """Return a page of a skeleton as PNG; the first look at a version takes seconds.

    Raises `PictureUnavailable` where there is no such page, no program, or another conversion takes too long, and the
    object store's `Unavailable`.
    """
    found = _kept(version, page)
    if found is not None:
        return found
    if not 1 <= page <= MAX_PAGES or not can_draw() or version.sha256 in _failed:
        raise PictureUnavailable("picture_unavailable", "There is no picture of this page.")
    if not _converting.acquire(timeout=_WAIT_S):
        raise PictureUnavailable("picture_busy", "Other pictures are being made: try again in a moment.")
    try:
        found = _kept(version, page)
        if found is None and _kept(version, 1) is None:
            _draw(version)
            found = _kept(version, page)
    finally:
        _converting.release()
    if found is None:
        raise PictureUnavailable("picture_unavailable", "There is no picture of this page.")
    return found


def _key(version: SkeletonVersion, page: int) -> str:
    return f"{version.object_key.removesuffix('.docx')}.page-{page}.png"


def _kept(version: SkeletonVersion, page: int) -> bytes | None:
    stored = object_store().head(Bucket.SKELETONS, _key(version, page))
    return None if stored is None else object_store().get(Bucket.SKELETONS, stored.key)


def _draw(version: SkeletonVersion) -> None:
    with tempfile.TemporaryDirectory(prefix="astra-pictures-") as name:
        folder = Path(name)
        (folder / "skeleton.docx").write_bytes(skeleton_bytes(version))
        profile = f"-env:UserInstallation={(folder / 'profile').as_uri()}"
        office = ["soffice", profile, "--headless", "--norestore", "--convert-to", "pdf", "--outdir", name]
        _run([*office, str(folder / "skeleton.docx")], folder)
        pages = ["-png", "-r", str(_DOTS_PER_INCH), "-f", "1", "-l", str(MAX_PAGES)]
        _run(["pdftoppm", *pages, str(folder / "skeleton.pdf"), str(folder / "page")], folder)
        pictures = {int(found[1]): path for path in folder.glob("page-*.png") if (found := _NUMBER.search(path.name))}
        if not pictures:
            _failed.add(version.sha256)
        # The first page last: once it is there, all of them are.
        for page in sorted(pictures, reverse=True):
            object_store().put(Bucket.SKELETONS, _key(version, page), pictures[page].read_bytes(), _PNG)


def _run(command: Sequence[str], folder: Path) -> None:
    """Run a program to its end or for a minute; a failed one leaves no file, which is seen by whoever looks for it.

    LibreOffice's program is a script that starts another: the whole group goes.
    """
    environment = {"PATH": os.environ.get("PATH", os.defpath), "HOME": str(folder), "LANG": "C.UTF-8"}
    process = subprocess.Popen(  # noqa: S603 - our own commands, without a shell
        command,
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        process.wait(_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
