#!/usr/bin/env python3
"""A session over HTTP, from start to the link of the minutes. Needs Python 3.11 and `pip install httpx`.

ASTRA_TOKEN=… python rest_client.py http://127.0.0.1:8000 recording.wav [--session ID] [--finalize]

A number is accepted once, whatever happens: so a request without an answer is simply sent again.
"""

from __future__ import annotations

import argparse
import io
import os
import sys
import time
import wave
from collections.abc import Iterator
from typing import Any

import httpx

CHUNK_S = 5
GIVE_UP_AFTER = 20


def chunks(path: str) -> Iterator[bytes]:
    """Cut a WAV file into WAV files of five seconds."""
    with wave.open(path, "rb") as source:
        while frames := source.readframes(CHUNK_S * source.getframerate()):
            target = io.BytesIO()
            with wave.open(target, "wb") as part:
                part.setparams(source.getparams())
                part.writeframes(frames)
            yield target.getvalue()


def call(http: httpx.Client, method: str, path: str, **request: Any) -> dict[str, Any]:
    """Call until there is an answer; give up on what the server refuses for good."""
    for attempt in range(GIVE_UP_AFTER):
        try:
            answer = http.request(method, path, **request)
        except httpx.TransportError as error:
            print(f"no connection ({error}), once more", file=sys.stderr)
            time.sleep(min(0.2 * 2**attempt, 5))
            continue
        if answer.is_success:
            return dict(answer.json())
        problem = answer.json()
        if answer.status_code != 429 and answer.status_code < 500:
            raise SystemExit(f"{problem['code']}: {problem['detail']} (trace {problem['trace_id']})")
        time.sleep(float(answer.headers.get("Retry-After", "2")))
    raise SystemExit("The server can't be reached.")


def main() -> None:
    """Start a session or go on with one, send the file, and ask for the minutes if told to."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("url")
    parser.add_argument("file")
    parser.add_argument("--session", help="go on with this session")
    parser.add_argument("--finalize", action="store_true", help="ask for the minutes and wait for them")
    given = parser.parse_args()
    headers = {"Authorization": f"Bearer {os.environ['ASTRA_TOKEN']}"}
    with httpx.Client(base_url=f"{given.url}/v1/orchestrator", headers=headers, timeout=30) as http:
        if given.session:
            session = call(http, "GET", f"/session/{given.session}")
        else:
            start = {"client_timezone": "America/Bogota", "mode": "realtime", "metadata": {"number": "014"}}
            session = call(http, "POST", "/session/start", json=start)
        address = f"/session/{session['session_id']}"
        print("session", session["session_id"])
        for number, audio in enumerate(chunks(given.file), session["highest_sequence_id"] + 1):
            form = {"data": {"sequence_id": str(number)}, "files": {"audio": ("chunk.wav", audio)}}
            print("acknowledged", call(http, "POST", f"{address}/append", **form)["sequence_id"])
        while given.finalize:
            session = call(http, "POST", f"{address}/finalize", json={})
            if session["state"] == "CLOSED":
                print("minutes", session["delivery"]["download_url"])
                return
            if session["state"].endswith("FAILED"):
                raise SystemExit(f"{session['state']}: {session['failure']}")
            time.sleep(1)


if __name__ == "__main__":
    main()
