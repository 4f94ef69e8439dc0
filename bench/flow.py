"""A whole session without the model, from start to the sealed document: `make bench B=flow`.

Thirty typed inputs, so that everything but speech recognition happens: HTTP, journal, queue, understanding, dump,
document, custody. The baseline is the same services called in one process, without HTTP, queue and polling; both
alternate on the same servers.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from demo.client import Client
from demo.recorded_session import RecordedSession
from demo.stack import COUNCIL_SLUG, ROOT, Stack

_ROUNDS = 5


def flow_s(client: Client, texts: list[str]) -> float:
    """Run one session over HTTP and return how long it took, in s."""
    started = time.perf_counter()
    session_id = client.start("realtime", {"number": "1"})
    for number, text in enumerate(texts, start=1):
        client.append_text(session_id, number, text)
    client.wait(lambda: client.finalize(session_id), lambda answer: answer["state"] == "CLOSED", 60)
    return time.perf_counter() - started


def _in_process_s(stack: Stack, inputs: int) -> float:
    """Run the baseline in a process of its own and return what it measured, in s."""
    command = [sys.executable, "-m", "bench.baseline.flow_in_process", COUNCIL_SLUG, str(inputs)]
    # Another Redis database: the running worker must not take the baseline's jobs.
    environment = {**stack.environment, "REDIS_URL": stack.environment["REDIS_URL"].replace("db=0", "db=1")}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120, check=True)
    return float(done.stdout)


def main() -> None:
    """Measure and print one line per figure."""
    for name in ("DATABASE_URL", "DATABASE_OWNER_URL", "REDIS_URL"):
        os.environ.pop(name, None)
    texts = [str(item["text"]) for item in RecordedSession().utterances][:30]
    with tempfile.TemporaryDirectory(prefix="astra-bench-") as folder, Stack(Path(folder)) as stack:
        stack.start(print)
        with Client(stack.url, stack.manage("issue_dev_token", COUNCIL_SLUG)) as client:
            flow_s(client, texts)
            over_http, in_process = [], []
            for _ in range(_ROUNDS):
                over_http.append(flow_s(client, texts))
                in_process.append(_in_process_s(stack, len(texts)))
    middle, floor = statistics.median(over_http), statistics.median(in_process)
    print(f"RESULT flow_without_model {middle:.2f} s aim < 5")
    print(f"RESULT flow_in_one_process {floor:.2f} s aim < 5")
    print(f"RESULT flow_ratio {middle / floor:.2f} ratio aim < 3")


if __name__ == "__main__":
    main()
