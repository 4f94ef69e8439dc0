"""`make chaos`: a hundred rounds of twenty sessions and a fault; counts acknowledged inputs that are lost or doubled.

Everything is drawn from `--seed`; a round that failed is played again with `--seed` and `--first`.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path

from demo.stopping import ToldToStop, stop_in_order
from tests.chaos.rig import Rig
from tests.chaos.rounds import FAULT_NAMES, SESSIONS, Arena, Report, drawn_faults
from tests.running_stack import without_servers
from tests.transports.table import LINES


def main() -> int:
    """Play the rounds, tell of each, and print one line per figure; 0 when nothing was lost, doubled or wrong."""
    given = _options()
    stop_in_order()
    plans = list(drawn_faults(given.seed, given.rounds, given.fault))[given.first - 1 :]
    reports: list[Report] = []
    try:
        with tempfile.TemporaryDirectory(prefix="astra-chaos-") as temporary:
            folder = (given.folder or Path(temporary)).resolve()
            with Rig(folder, around=without_servers()) as rig:
                rig.start(lambda line: print(f"  {line}", flush=True))
                arena = Arena(rig, given.seed, given.sessions, given.transport)
                for number, names in enumerate(plans, start=given.first):
                    reports.append(arena.play(number, names))
                    _tell(reports[-1])
                    if given.until_wrong and not reports[-1].verdict.holds:
                        break
    except ToldToStop:
        print("Stopped.")
    _sum_up(reports)
    return 0 if reports and all(report.verdict.holds for report in reports) else 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.run", description=__doc__)
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--first", type=int, default=1, help="begin with this round of the seed")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--sessions", type=int, default=SESSIONS)
    parser.add_argument("--fault", action="append", choices=FAULT_NAMES, help="only these")
    parser.add_argument("--transport", action="append", choices=list(LINES), help="only these; default: all, in turn")
    parser.add_argument("--folder", type=Path, help="where data and logs are kept; default: a folder that is removed")
    parser.add_argument("--until-wrong", action="store_true", help="stop after the first round that fails")
    given = parser.parse_args()
    given.fault, given.transport = given.fault or (), given.transport or tuple(LINES)
    return given


def _tell(report: Report) -> None:
    strikes = "; ".join(
        f"{strike.name} at {strike.moment}, answered after {_seconds(strike.answered_after_s)},"
        f" all closed after {strike.closed_after_s:.1f} s"
        for strike in report.strikes
    )
    disorder = "messages disturbed; " if report.disturbed else ""
    verdict = report.verdict
    print(
        f"round {report.number:3d}  {report.took_s:5.1f} s  {report.acknowledged}/{report.planned} acknowledged,"
        f" {report.resent} sent again, {report.repeats} known already;"
        f" lost {len(verdict.lost)}, doubled {len(verdict.doubled)}, wrong {len(verdict.wrong)}  [{disorder}{strikes}]",
        flush=True,
    )
    for what in [*verdict.lost, *verdict.doubled, *verdict.wrong]:
        print(f"    {what}"[:1500], flush=True)


def _seconds(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f} s"


def _sum_up(reports: Sequence[Report]) -> None:
    if not reports:
        return
    troubles: Counter[str] = sum((report.troubles for report in reports), Counter())
    faults = Counter(name for report in reports for name in report.faults)
    print(f"\nfaults: {dict(sorted(faults.items()))}")
    print(f"calls without an acknowledgement: {dict(troubles.most_common())}")
    _recovery_times(reports)
    print(f"RESULT chaos_rounds {len(reports)} rounds aim >= 100")
    print(f"RESULT chaos_acknowledged {sum(report.acknowledged for report in reports)} inputs aim > 0")
    print(f"RESULT chaos_lost_blocks {sum(len(report.verdict.lost) for report in reports)} blocks aim = 0")
    print(f"RESULT chaos_doubled_blocks {sum(len(report.verdict.doubled) for report in reports)} blocks aim = 0")
    print(f"RESULT chaos_other_findings {sum(len(report.verdict.wrong) for report in reports)} findings aim = 0")
    print(f"RESULT chaos_round_median {statistics.median(report.took_s for report in reports):.1f} s aim <= 20")


def _recovery_times(reports: Sequence[Report]) -> None:
    answered: dict[str, list[float]] = defaultdict(list)
    for report in reports:
        for strike in report.strikes:
            if strike.answered_after_s is not None:
                answered[strike.name].append(strike.answered_after_s)
    for name, times_s in sorted(answered.items()):
        print(
            f"first answer after {name}: median {statistics.median(times_s):.1f} s, longest {max(times_s):.1f} s"
            f" ({len(times_s)} times)"
        )


if __name__ == "__main__":
    started_s = time.monotonic()
    code = main()
    print(f"{time.monotonic() - started_s:.0f} s in all")
    sys.exit(code)
