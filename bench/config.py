"""Reading a tenant's configuration, beside a bare Redis GET of the same bytes: `make bench B=config`.

One council's configuration with 300 templates, on embedded PostgreSQL and Redis. Each round measures all ways, one
after the other, so that a busy machine slows them alike; the median of all calls counts. `memory` is `get_config` in a
process that hears of publications; `redis` the same in one that has just started, pointer and content; `postgres` what
both save. `pinned` is what every chunk of a session asks for, beside reading it with the session's row.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from demo.stack import COUNCIL_SLUG, ROOT, Stack


def main() -> None:
    """Measure and print one line per figure."""
    for name in ("DATABASE_URL", "REDIS_URL"):
        os.environ.pop(name, None)
    with tempfile.TemporaryDirectory(prefix="astra-bench-") as folder, Stack(Path(folder)) as stack:
        stack.prepare(print)
        command = [sys.executable, "-m", "bench.baseline.config_in_process", COUNCIL_SLUG]
        environment = {**stack.environment, "ASTRA_LOG_LEVEL": "ERROR"}
        measured = subprocess.run(
            command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True, check=True, timeout=300
        )
    lines: dict[str, list[float]] = json.loads(measured.stdout)
    size_bytes = int(lines.pop("size_bytes")[0])
    middle = {name: statistics.median(times_us) for name, times_us in lines.items()}
    late = {name: statistics.quantiles(times_us, n=100)[98] for name, times_us in lines.items()}
    print(f"  {size_bytes} bytes of configuration")
    bare = middle["bare_get"]
    print(f"RESULT config_bare_redis_get_p50 {bare:.1f} us aim >= 0")
    print(f"RESULT config_bare_redis_get_p99 {late['bare_get']:.1f} us aim >= 0")
    print(f"RESULT config_memory_p50 {middle['memory']:.1f} us aim < {bare:.1f}")
    print(f"RESULT config_memory_p99 {late['memory']:.1f} us aim < {late['bare_get']:.1f}")
    print(f"RESULT config_memory_to_bare_get {middle['memory'] / bare:.3f} ratio aim < 1")
    print(f"RESULT config_redis_p50 {middle['redis']:.1f} us aim < {middle['postgres']:.1f}")
    print(f"RESULT config_postgres_p50 {middle['postgres']:.1f} us aim >= 0")
    print(f"RESULT config_pinned_p50 {middle['pinned']:.1f} us aim < {middle['with_the_row']:.1f}")
    print(f"RESULT config_with_the_row_p50 {middle['with_the_row']:.1f} us aim >= 0")


if __name__ == "__main__":
    main()
