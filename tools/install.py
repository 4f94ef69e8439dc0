"""Install the programs that some tests use and Python packages can't bring. Run by `make tools`; safe to repeat.

Debian packages are installed when this runs as root; otherwise the command to run is printed. Nothing here is needed
by the product itself, nor by `make demo`.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
NODE = ROOT / "tools" / "node"
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


@dataclass(frozen=True, slots=True)
class Tool:
    """A program, how to see that it is there, and the Debian packages that bring it."""

    name: str
    used_for: str
    present: Callable[[], bool]
    packages: tuple[str, ...]


def on_path(*names: str) -> Callable[[], bool]:
    """Return a check that is true if any of the programs is on the PATH."""
    return lambda: any(shutil.which(name) for name in names)


def playwright_browser() -> bool:
    """Return True if Playwright has a Chromium of its own."""
    folder = Path(os.environ.get("PLAYWRIGHT_BROWSERS_PATH") or Path.home() / ".cache" / "ms-playwright")
    return any(folder.glob("chromium*/chrome-linux*/*"))


def has_browser() -> bool:
    """Return True if there is any browser for the tests."""
    return on_path(*BROWSERS)() or playwright_browser()


TOOLS = (
    Tool(
        "LibreOffice",
        "turning documents into pages",
        on_path("soffice", "libreoffice"),
        ("libreoffice-writer-nogui", "fonts-liberation"),
    ),
    Tool("Poppler", "reading the pages that LibreOffice makes", on_path("pdftotext"), ("poppler-utils",)),
    Tool("gettext", "checking translations", on_path("msgfmt"), ("gettext",)),
    Tool("espeak-ng", "making the recording and training the micro model", on_path("espeak-ng"), ("espeak-ng",)),
    Tool("ffmpeg", "preparing odd audio", on_path("ffmpeg"), ("ffmpeg",)),
    Tool("npm", "the Open XML validator and the OpenID provider", on_path("npm"), ("nodejs", "npm")),
)
BROWSER = Tool("Chromium", "driving the admin", has_browser, ("chromium",))


def run(*command: str, timeout_s: int = 1200) -> bool:
    """Run a command with its output visible; return True on success."""
    print("+", " ".join(command), flush=True)
    try:
        done = subprocess.run(command, check=False, stdin=subprocess.DEVNULL, timeout=timeout_s, env=_environment())
    except (OSError, subprocess.TimeoutExpired) as error:
        print(f"  failed: {error}", file=sys.stderr)
        return False
    return done.returncode == 0


def install_packages(tools: list[Tool]) -> None:
    """Install the Debian packages of the given tools, or print the command for it."""
    packages = [package for tool in tools for package in tool.packages]
    if not packages:
        return
    install = ("apt-get", "install", "-y", "-q", "--no-install-recommends", *packages)
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        print(f"Not root on a Debian: please install these yourself, such as with\n  sudo {' '.join(install)}")
        return
    run("apt-get", "update", "-q")
    run(*install)


def install_browser() -> None:
    """Use the browser that is there, else Playwright's own, else Debian's."""
    if not has_browser():
        run(sys.executable, "-m", "playwright", "install", "chromium", timeout_s=600)
    if not has_browser():
        install_packages([BROWSER])


def install_node_tools() -> bool:
    """Install the locked npm packages; return True if they are there afterwards."""
    lock, stamp = NODE / "package-lock.json", NODE / "node_modules" / ".package-lock.json"
    if stamp.exists() and stamp.stat().st_mtime >= lock.stat().st_mtime:
        return True
    # Not `npm ci`: it insists on the validator's packages for other platforms, of which some are not published. The
    # lock still fixes versions and content hashes.
    install = ("npm", "install", "--no-save", "--prefix", str(NODE), "--no-audit", "--no-fund")
    return shutil.which("npm") is not None and run(*install)


def main() -> int:
    """Install what is missing; return 0 when everything is there."""
    install_packages([tool for tool in TOOLS if not tool.present()])
    install_browser()
    missing = [tool for tool in (*TOOLS, BROWSER) if not tool.present()]
    for tool in missing:
        print(f"MISSING {tool.name} ({tool.used_for})", file=sys.stderr)
    if not install_node_tools():
        print("MISSING the npm packages of tools/node (checking built documents, signing in)", file=sys.stderr)
        return 1
    if not missing:
        print("All tools are there.")
    return 1 if missing else 0


def _environment() -> dict[str, str]:
    return {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}


if __name__ == "__main__":
    raise SystemExit(main())
