"""Finalizing sessions of 10 to 10,000 blocks: `make bench B=finalize`.

From the call of finalize to the sealed session, in one process, on embedded PostgreSQL, Redis and a local object store:
what is left, dump, document, hand-over of the recordings, seal. Inputs are typed; a second series has one small
recording per input, as a live session has, which is mostly the store's own work (a copy, its fsyncs, reading it back).
The baseline is what nobody can save: making the dump from the journal, hashing it, building the document, hashing that,
copying each recording once and reading it back, without storing, checking, protecting and sealing. It alternates with
the product; the median counts.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from demo.stack import COUNCIL_SLUG, ROOT, Stack


def main() -> None:
    """Measure and print one line per figure."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--blocks", type=int, nargs="*", default=[10, 100, 1_000, 10_000])
    options.add_argument("--spoken", type=int, nargs="*", default=[10, 100, 1_000])
    options.add_argument("--drain", type=int, nargs="*", default=[100, 10_000])
    options.add_argument("--rounds", type=int, default=3)
    given = options.parse_args()
    for name in ("DATABASE_URL", "DATABASE_OWNER_URL", "REDIS_URL"):
        os.environ.pop(name, None)
    with tempfile.TemporaryDirectory(prefix="astra-bench-") as folder, Stack(Path(folder)) as stack:
        stack.prepare(print)
        command = [sys.executable, "-m", "bench.baseline.finalize_in_process", COUNCIL_SLUG, json.dumps(vars(given))]
        environment = {**stack.environment, "ASTRA_LOG_LEVEL": "ERROR"}
        with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True) as measuring:
            lines = [json.loads(line) for line in measuring.stdout or ()]
    if measuring.returncode:
        raise SystemExit(measuring.returncode)
    for line in lines:
        _report(line)
    _report_growth({line["name"]: line for line in lines})


def _report(line: dict[str, float | str]) -> None:
    name = line["name"]
    if str(name).startswith("drain"):
        for what in ("done", "waiting"):
            print(f"RESULT finalize_{name}_{what} {float(line[what]) * 1000:.1f} ms aim < 25")
        return
    product, floor = float(line["product"]), float(line["floor"])
    print(f"RESULT finalize_{name} {product:.2f} s aim < 10")
    print(f"RESULT finalize_{name}_baseline {floor:.2f} s aim < 10")
    print(f"RESULT finalize_{name}_ratio {product / floor:.2f} ratio aim < 4")
    steps = {key.removeprefix("step_"): value for key, value in line.items() if key.startswith("step_")}
    print("  " + ", ".join(f"{step} {float(value):.2f} s" for step, value in steps.items()), flush=True)


def _report_growth(by_name: dict[str, dict[str, float]]) -> None:
    small, large = by_name.get("1000_blocks"), by_name.get("10000_blocks")
    if small and large:
        growth = large["product"] / small["product"] / 10
        print(f"RESULT finalize_time_per_block_10000_to_1000 {growth:.2f} ratio aim < 1.3")


if __name__ == "__main__":
    main()
