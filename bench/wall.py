"""What row-level security costs the hot path: `make bench B=wall`.

The two statements of an append, in one process, on one connection: as the application, whom the policies bind, and as
the superuser, whom they don't, in processes that take turns; the median counts. Commits don't wait for the disk, whose
time is many times what is measured. Then with another council at each call, so that the connection is told each time.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from demo.stack import COUNCIL_SLUG, ROOT, Stack

_ROUNDS = 3
_NO_FLUSH = "&options=-c%20synchronous_commit%3Doff"


def main() -> None:
    """Measure and print one line per figure."""
    for name in ("DATABASE_URL", "DATABASE_OWNER_URL", "REDIS_URL"):
        os.environ.pop(name, None)
    with tempfile.TemporaryDirectory(prefix="astra-bench-") as folder, Stack(Path(folder)) as stack:
        stack.prepare(print)
        endpoints = stack.services.endpoints()
        bound, unbound = (
            {**stack.environment, "ASTRA_LOG_LEVEL": "ERROR", "DATABASE_URL": url + _NO_FLUSH}
            for url in (endpoints.database_url, endpoints.superuser_url)
        )
        measured: dict[str, list[dict[str, float]]] = {"bound": [], "unbound": []}
        for _ in range(_ROUNDS):
            measured["unbound"].append(_measure(unbound))
            measured["bound"].append(_measure(bound))
    medians = {
        role: {what: statistics.median(one[what] for one in rounds) for what in rounds[0]}
        for role, rounds in measured.items()
    }
    for what in ("look", "append"):
        with_wall, without = medians["bound"][what], medians["unbound"][what]
        told = medians["bound"][f"{what}_alternating"]
        print(f"RESULT wall_{what} {with_wall:.0f} us aim < 2000")
        print(f"RESULT wall_{what}_ratio {with_wall / without:.2f} ratio aim < 1.15")
        print(f"RESULT wall_{what}_told_anew {told - with_wall:.0f} us aim < 300", flush=True)


def _measure(environment: Mapping[str, str]) -> dict[str, float]:
    command = [sys.executable, "-m", "bench.baseline.wall_in_process", COUNCIL_SLUG]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120, check=True)
    found: dict[str, float] = json.loads(done.stdout)
    return found


if __name__ == "__main__":
    main()
