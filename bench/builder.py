"""Building minutes of 250 and 2,500 blocks: `make bench B=builder`.

The longest sitting gives about 2,500 blocks. Both sizes alternate: a busy machine slows both. The median counts.
The baseline is what nobody can save: opening and zipping the same package without filling anything.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sessions_app.builder import build_minutes
from tenants.skeleton import open_package
from tenants.skeleton.archive import pack
from tests.builder.dumps import block, session_dump

_ROUNDS = 5
_SKELETON = (Path(__file__).parents[1] / "demo" / "skeleton.docx").read_bytes()
_SAID = "El alumbrado público de la zona rural está en mal estado y las familias llevan tres meses sin luz. "


def _dump(count: int) -> dict[str, Any]:
    intents = ("DEBATE", "DEBATE", "DEBATE", "PROPOSITION", "VOTE", "ROLL_CALL")
    vote = {"subject": "Presupuesto", "in_favour": 9, "against": 1, "abstentions": 0, "result": "approved"}
    blocks = []
    for number in range(count):
        intent = intents[number % len(intents)]
        attendance = {"attendance": [{"name": f"Concejal {number}", "presence": "present"}]}
        data = {"VOTE": vote, "ROLL_CALL": attendance}.get(intent, {})
        blocks.append(
            block(number, _SAID * (1 + number % 4), intent, speaker=f"Concejal {number // 3 % 17}", data=data)
        )
    return session_dump(blocks)


def _timed_s(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def main() -> None:
    """Measure and print one line per figure."""
    small, large = _dump(250), _dump(2_500)
    build_minutes(_SKELETON, small, {})
    seconds: dict[str, list[float]] = {"baseline": [], "small": [], "large": []}
    for _ in range(_ROUNDS):
        seconds["baseline"].append(_timed_s(lambda: pack(open_package(_SKELETON).parts)))
        seconds["small"].append(_timed_s(lambda: build_minutes(_SKELETON, small, {})))
        seconds["large"].append(_timed_s(lambda: build_minutes(_SKELETON, large, {})))
    middle = {name: statistics.median(values) for name, values in seconds.items()}
    per_block = (middle["large"] / 2_500) / (middle["small"] / 250)
    print(f"RESULT builder_baseline_open_and_zip {middle['baseline']:.3f} s aim < 0.2")
    print(f"RESULT builder_2500_blocks {middle['large']:.3f} s aim < 3")
    print(f"RESULT builder_time_per_block_2500_to_250 {per_block:.2f} ratio aim < 1.3")


if __name__ == "__main__":
    main()
