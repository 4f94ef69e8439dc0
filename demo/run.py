"""`make demo`: a recorded council session becomes sealed minutes, live and in batch, and anyone can check the seals.

Starts PostgreSQL, Redis, web, worker and sweeper of its own, acts as a client over HTTP, prints what it saw, and stops
everything. Exit code 0 only if both ways lead to sealed minutes that hold.
"""

from __future__ import annotations

import shutil
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import httpx
from rich.console import Console
from rich.table import Table

from astra_site.embedded import EmbeddedServices
from astra_site.lib.errors import AstraError
from demo.client import Client, Refused
from demo.judge import WORD_ERROR_LIMIT, Verdict, judge, snapshot_in
from demo.lifeline import end_leftovers
from demo.likeness import ALIKE_AT_LEAST, Likeness, compare
from demo.paths import PathResult, batch_path, live_path
from demo.recorded_session import RecordedSession
from demo.stack import COUNCIL_SLUG, ROOT, Stack, StackFailed
from demo.stopping import ToldToStop, stop_in_order

FOLDER = ROOT / "var" / "demo"
console = Console(highlight=False)


def main() -> int:
    """Run the demonstration and return the exit code."""
    started = time.monotonic()
    stop_in_order()
    try:
        _clear(FOLDER)
        with Stack(FOLDER) as stack:
            _title("1. Start")
            stack.start(_reporter(started))
            live, batch, verdicts = _both_ways(stack, started)
    except ToldToStop as told:
        console.print("Stopped.")
        return 128 + told.number
    except (StackFailed, AstraError, Refused, TimeoutError, RuntimeError, httpx.HTTPError) as error:
        console.print(f"[red]The demonstration failed:[/red] {error}", markup=True)
        console.print(f"Logs: {FOLDER / 'logs'}")
        return 1
    alike = compare(live.blocks, batch.blocks)
    console.print(_results(live, batch, verdicts, alike))
    for difference in alike.differences:
        console.print(f"Live and batch differ in {difference}", markup=False)
    ok = all(verdict.holds for verdict in verdicts) and alike.holds
    console.print(f"{'Done' if ok else '[red]Not as it should be[/red]'} after {time.monotonic() - started:.0f} s.")
    return 0 if ok else 1


def _both_ways(stack: Stack, started: float) -> tuple[PathResult, PathResult, tuple[Verdict, Verdict]]:
    report = _reporter(started)
    recording = RecordedSession()
    output = stack.folder / "output"
    image = (ROOT / "demo/image.png").read_bytes()
    with Client(stack.url, stack.manage("issue_dev_token", COUNCIL_SLUG)) as client:
        report(f"a token is issued; the recording has {recording.duration_ms / 1000:.0f} s of speech")
        _title("2. Live: chunks, out of order, one of them twice")
        live = live_path(client, recording, image, output, report)
        latency = statistics.median(client.append_ms)
        report(f"closed and downloaded; an append took {latency:.0f} ms (median of {len(client.append_ms)})")
        _title("3. Batch: the same recording as one file")
        batch = batch_path(client, recording, output, report)
        report("closed and downloaded")
    _title("4. Verify from the files alone")
    keys = output / "public_keys.json"
    keys.write_text(stack.manage("export_public_keys"))
    verdicts = (
        judge(live, recording.script, keys),
        judge(batch, recording.script, keys, previous=snapshot_in(live.evidence)),
    )
    for result, verdict in zip((live, batch), verdicts, strict=True):
        report(f"{result.name}: {'the seal holds' if verdict.seal_holds else 'THE SEAL DOES NOT HOLD'}")
    return live, batch, verdicts


def _results(live: PathResult, batch: PathResult, verdicts: tuple[Verdict, Verdict], alike: Likeness) -> Table:
    """Put everything into one table."""
    table = Table(title="ASTRA: from the recording to the sealed minutes", show_lines=False)
    table.add_column("")
    table.add_column("live (chunks)", overflow="fold")
    table.add_column("batch (one file)", overflow="fold")
    for step in live.seconds | batch.seconds:
        table.add_row(step, *(f"{path.seconds[step]:.1f} s" if step in path.seconds else "–" for path in (live, batch)))
    table.add_section()
    limit = f"(< {WORD_ERROR_LIMIT:.0%})"
    table.add_row(f"word errors, recognised {limit}", *(f"{verdict.recognised_error_rate:.1%}" for verdict in verdicts))
    table.add_row(f"word errors, minutes {limit}", *(f"{verdict.minutes_error_rate:.1%}" for verdict in verdicts))
    for intent in sorted(verdicts[0].blocks_by_intent | verdicts[1].blocks_by_intent):
        table.add_row(f"blocks {intent}", *(str(verdict.blocks_by_intent[intent] or "–") for verdict in verdicts))
    same = "DIFFERENT" if alike.differences else "the same"
    table.add_row("turns, templates, tables, data", same, same)
    table.add_row(f"words alike (≥ {ALIKE_AT_LEAST:.0%})", *[f"{alike.words:.1%}"] * 2)
    table.add_section()
    for number, (title, _) in enumerate(verdicts[0].steps):
        table.add_row(title, *(_outcome(verdict, number) for verdict in verdicts))
    table.add_section()
    table.add_row("document", *(_shown(path.document) for path in (live, batch)))
    table.add_row("evidence", *(_shown(path.evidence) for path in (live, batch)))
    table.add_row("integrity hash", *(path.session["delivery"]["integrity_hash"] for path in (live, batch)))
    return table


def _outcome(verdict: Verdict, number: int) -> str:
    return verdict.steps[number][1].replace("_", " ") if number < len(verdict.steps) else "–"


def _shown(path: Path) -> str:
    return str(path.relative_to(ROOT))


def _reporter(started: float) -> Callable[[str], None]:
    def report(line: str) -> None:
        console.print(f"  {time.monotonic() - started:5.1f} s  {line}", markup=False)

    return report


def _title(text: str) -> None:
    console.print(f"\n[bold]{text}[/bold]")


def _clear(folder: Path) -> None:
    """Remove what an earlier demonstration left, processes included; fail if one is running right now."""
    if folder.exists():
        EmbeddedServices(folder / "services").stop()
        end_leftovers(folder)
        for path in folder.rglob("*"):
            if not path.is_symlink() and path.is_file():
                path.chmod(0o600)
        shutil.rmtree(folder)


if __name__ == "__main__":
    sys.exit(main())
