"""`manage.py run_sweeper`: resends lost messages and takes jobs from dead workers until it is told to stop."""

from __future__ import annotations

import signal
import threading
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from jobs.runtime.orchestration import orchestrator
from jobs.runtime.sweeper import sweep_once, sweep_until


class Command(BaseCommand):
    """Runs the sweeper. Several may run at once; one is enough."""

    help = "Resend lost messages and recover jobs of dead workers, until SIGTERM."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("--interval-s", type=float, default=2.0, help="seconds between two rounds")
        parser.add_argument("--once", action="store_true", help="one round, then end")

    def handle(self, *args: Any, **options: Any) -> None:
        """Loop until SIGTERM or Ctrl-C."""
        if options["once"]:
            sweep_once(orchestrator())
            return
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        sweep_until(stop, orchestrator(), options["interval_s"])
