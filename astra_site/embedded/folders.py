"""Folders that a server process can use: private, reachable, and short enough for a socket."""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
import tempfile
from pathlib import Path

from astra_site.embedded.errors import EmbeddedServerFailed

# sun_path holds 104 bytes on macOS and 108 on Linux, the closing zero included.
_LONGEST_SOCKET_PATH_BYTES = 103


def private_folder(path: Path, owner: tuple[int, int] | None = None) -> Path:
    """Create `path` if needed, readable by its owner alone (this user, or the given uid and gid).

    Raises `EmbeddedServerFailed` when somebody else has put a folder or a link at that name.
    """
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = path.lstat()
    acceptable = {os.geteuid()} | ({owner[0]} if owner else set())
    if not stat.S_ISDIR(found.st_mode) or found.st_uid not in acceptable:
        raise EmbeddedServerFailed("embedded_folder_foreign", f"{path} belongs to another user: remove it.")
    if owner is not None and found.st_uid != owner[0]:
        os.chown(path, *owner)
    path.chmod(0o700)
    return path


def socket_folder(home: Path, socket_name: str, owner: tuple[int, int] | None = None) -> Path:
    """The private folder for a server's socket: `home/run`, or a short one under the temporary folder.

    The same `home` always gets the same folder, so a server that is restarted is found at the same address.
    """
    preferred = home / "run"
    if len(os.fsencode(preferred / socket_name)) <= _LONGEST_SOCKET_PATH_BYTES:
        return private_folder(preferred, owner)
    mark = hashlib.sha256(os.fsencode(home)).hexdigest()[:12]
    for base in (Path(tempfile.gettempdir()), Path("/tmp")):  # noqa: S108 - private_folder checks who owns it
        candidate = base / f"astra-{os.geteuid()}-{mark}"
        if len(os.fsencode(candidate / socket_name)) <= _LONGEST_SOCKET_PATH_BYTES:
            return private_folder(candidate, owner)
    raise EmbeddedServerFailed("embedded_socket_path_too_long", f"No folder is short enough for a socket of {home}.")


def leave_socket_folder(home: Path, folder: Path) -> None:
    """Remove a socket folder outside `home`, unless something is still in it."""
    if folder.parent != home:
        with contextlib.suppress(OSError):
            folder.rmdir()


def outsiders_can_enter(path: Path) -> bool:
    """True if every folder on the way to `path`, itself included, may be entered by any user."""
    resolved = path.resolve()
    return all(folder.stat().st_mode & stat.S_IXOTH for folder in (resolved, *resolved.parents))
