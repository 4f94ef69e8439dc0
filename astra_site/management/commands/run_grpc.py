"""`manage.py run_grpc`: serves the gRPC API until it is told to stop."""

from __future__ import annotations

import asyncio
import signal
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from astra_site.grpc_server import GrpcServer
from astra_site.lib.errors import AstraError


class Command(BaseCommand):
    """Runs one server; any number may run beside each other behind a load balancer."""

    help = "Serve the gRPC API until SIGTERM."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument(
            "--address",
            nargs="+",
            default=settings.GRPC_ADDRESSES,
            help="host:port (port 0 takes a free one) or unix:/path; default: ASTRA_GRPC_ADDRESS",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Serve until SIGTERM or Ctrl-C, then let streams end in order."""
        try:
            asyncio.run(self._serve(options["address"]))
        except AstraError as error:
            raise CommandError(error.message) from error

    async def _serve(self, addresses: list[str]) -> None:
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        async with GrpcServer(addresses) as server:
            listening = [
                address if address.startswith("unix:") else f"{address.rpartition(':')[0]}:{port}"
                for address, port in zip(addresses, server.ports, strict=True)
            ]
            self.stdout.write(f"gRPC listens at {', '.join(listening)}")
            self.stdout.flush()
            await stop.wait()
