"""Check the translations: every catalogue compiles, is complete, and its compiled form is the checked-in one.

Run as `python tools/check_messages.py`; `--write` compiles instead. Needs gettext's `msgfmt` (`make tools`).
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

LOCALE = Path(__file__).resolve().parent.parent / "locale"


def compile_catalogue(source: Path, target: Path) -> str | None:
    """Compile one catalogue; return what is wrong with it, or None."""
    command = ["msgfmt", "--check", "--statistics", "--endianness=little", "-o", str(target), str(source)]
    outcome = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    if outcome.returncode != 0:
        return outcome.stderr.strip()
    incomplete = any(word in outcome.stderr for word in ("fuzzy", "untranslated"))
    return f"incomplete: {outcome.stderr.strip()}" if incomplete else None


def main() -> int:
    """Print one line per problem; 0 when there is none."""
    catalogues = sorted(LOCALE.glob("*/LC_MESSAGES/*.po"))
    if catalogues and shutil.which("msgfmt") is None:
        print("msgfmt is missing: install it with `make tools` (Debian: apt install gettext)", file=sys.stderr)
        return 1
    problems = []
    for source in catalogues:
        compiled = source.with_suffix(".mo")
        with tempfile.TemporaryDirectory() as folder:
            fresh = Path(folder) / "fresh.mo"
            problem = compile_catalogue(source, fresh)
            if problem is None and "--write" in sys.argv:
                shutil.copyfile(fresh, compiled)
            elif problem is None and (not compiled.exists() or compiled.read_bytes() != fresh.read_bytes()):
                problem = "the .mo file is not the compiled .po: python tools/check_messages.py --write"
        if problem is not None:
            problems.append(f"{source.relative_to(LOCALE)}: {problem}")
    if problems:
        print("\n".join(problems), file=sys.stderr)
        return 1
    print(f"{len(catalogues)} catalogues are complete.")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
