"""The mapping page with 300 templates: `make bench B=mapping`.

The page and one mapped template, in one process, on embedded PostgreSQL, with 300 templates. The
baseline is the same page with the demonstration's eight templates; both alternate, the median counts. Queries are
counted for both: a page that grows must not ask more often.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from demo.stack import COUNCIL_SLUG, ROOT, Stack


def main() -> None:
    """Prepare a council and measure in a process of its own, which prints one line per figure."""
    for name in ("DATABASE_URL", "REDIS_URL"):
        os.environ.pop(name, None)
    with tempfile.TemporaryDirectory(prefix="astra-bench-") as folder, Stack(Path(folder)) as stack:
        stack.prepare(print)
        command = [sys.executable, "-m", "bench.baseline.mapping_in_process", COUNCIL_SLUG]
        environment = {**stack.environment, "ASTRA_LOG_LEVEL": "ERROR"}
        subprocess.run(command, cwd=ROOT, env=environment, timeout=300, check=True)


if __name__ == "__main__":
    main()
