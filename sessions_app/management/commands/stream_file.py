"""`manage.py stream_file`: sends a recording as a live session would arrive, over any transport."""

from __future__ import annotations

import os
import time
from argparse import ArgumentParser
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from astra_site.lib.clock import utc_now
from astra_site.lib.errors import AstraError
from jobs.transcription.audio import decode_stream, probe
from jobs.transcription.chunks import ENCODABLE, encode_chunk
from jobs.transcription.containers import Container
from jobs.transcription.engine import SAMPLE_RATE_HZ
from sessions_app.clients.table import TRANSPORTS
from sessions_app.clients.transport import Chunk, ComeBackLater, SessionClient

_REFUSED: Final = 1
_UNREACHABLE: Final = 3


class Command(BaseCommand):
    """Ends with 0 when everything is acknowledged, 1 when the file or the server refused, 3 when it can't be reached.

    Run again on the same session with the same --first it goes on where it was: what was sent before is a repeat.
    """

    help = "Stream an audio file into a session, chunk by chunk, and wait for every acknowledgement."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("file", type=Path, help="any accepted audio: WAV, FLAC, MP3, Ogg/Opus, WebM, M4A")
        where = parser.add_mutually_exclusive_group(required=True)
        where.add_argument("--session", help="id of an open session")
        where.add_argument("--start", action="store_true", help="start a session and print its id")
        parser.add_argument("--transport", choices=TRANSPORTS, default="grpc")
        parser.add_argument("--url", help="address of the server; default: this installation's")
        parser.add_argument("--token", help="access token; default: the variable ASTRA_TOKEN")
        parser.add_argument("--chunk-s", type=float, default=5.0, help="seconds of audio in a chunk")
        parser.add_argument("--encoding", choices=[str(item) for item in ENCODABLE], default=str(Container.WAV))
        parser.add_argument("--first", type=int, help="number of the first chunk; default: after the highest one")
        parser.add_argument("--time-zone", default=settings.TIME_ZONE, help="with --start: the client's time zone")
        parser.add_argument("--realtime", action="store_true", help="send each chunk when it would have been captured")

    def handle(self, *args: Any, **options: Any) -> None:
        """Send the file."""
        token = options["token"] or os.environ.get("ASTRA_TOKEN", "")
        transport = TRANSPORTS[options["transport"]]
        client = transport.client(options["url"] or transport.own_url(), lambda: token)
        try:
            self._send(client, options)
        except ComeBackLater as error:
            raise CommandError(f"{error.code}: {error.message}", returncode=_UNREACHABLE) from error
        except AstraError as error:
            raise CommandError(f"{error.code}: {error.message}", returncode=_REFUSED) from error
        except OSError as error:
            raise CommandError(f"{options['file']} can't be read: {error.strerror}.") from error
        finally:
            client.close()

    def _send(self, client: SessionClient, options: dict[str, Any]) -> None:
        length_ms = probe(options["file"]).duration_ms
        session_id = options["session"] or client.start(options["time_zone"], {})
        self.stdout.write(f"session {session_id}")
        first = options["first"] or client.highest_sequence_id(session_id) + 1
        chunks = _chunks(options, first, length_ms)
        began_s, count, repeats = time.monotonic(), 0, 0
        expected = -(-length_ms // int(options["chunk_s"] * 1000))
        for acknowledged in client.stream_chunks(session_id, chunks):
            count += 1
            repeats += acknowledged.is_repeat
            if self.stdout.isatty():
                self.stdout.write(f"\r{count} of {expected} chunks acknowledged", ending="")
        if self.stdout.isatty():
            self.stdout.write("")
        self.stdout.write(
            f"{count} chunks, {length_ms / 1000:.1f} s of audio, acknowledged over {options['transport']} "
            f"in {time.monotonic() - began_s:.1f} s; {repeats} had been sent before"
        )


def _chunks(options: dict[str, Any], first: int, length_ms: int) -> Iterator[Chunk]:
    """Yield the file as chunks. Captured now, or, sent as fast as it goes, as if the recording had just ended."""
    began_at = utc_now() if options["realtime"] else utc_now() - timedelta(milliseconds=length_ms)
    start_ms = 0
    for number, samples in enumerate(decode_stream(options["file"], options["chunk_s"]), first):
        duration_ms = len(samples) * 1000 // SAMPLE_RATE_HZ
        captured_at = began_at + timedelta(milliseconds=start_ms)
        start_ms += duration_ms
        if options["realtime"]:
            _wait_until(captured_at + timedelta(milliseconds=duration_ms))
        yield Chunk(number, encode_chunk(samples, Container(options["encoding"])), captured_at, duration_ms)


def _wait_until(moment: datetime) -> None:
    time.sleep(max(0.0, (moment - utc_now()).total_seconds()))
