"""Programs that `make tools` installs, for the tests that need one."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest


def need(tool: Path | str | None, what: str) -> str:
    """Return the program's path; without it skip the test, or fail it where everything has to be there."""
    if tool is not None and Path(tool).exists():
        return str(tool)
    if os.environ.get("CI"):
        pytest.fail(f"{what} is missing: run `make tools`.")
    pytest.skip(f"{what} is missing: run `make tools`.")


def convert(document: Path, to: str, folder: Path) -> Path:
    """Let LibreOffice write a document anew in another format, with a profile of its own, and return the file."""
    office = need(shutil.which("soffice"), "LibreOffice Writer")
    profile = f"-env:UserInstallation={(folder / 'profile').as_uri()}"
    made = folder / "made"
    subprocess.run(
        [office, profile, "--headless", "--convert-to", to, "--outdir", str(made), str(document)],
        capture_output=True, check=True, timeout=120,
    )  # fmt: skip
    return made / f"{document.stem}.{to}"
