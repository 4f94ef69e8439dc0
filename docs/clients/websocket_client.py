#!/usr/bin/env python3
"""A live session over a WebSocket. Needs Python 3.11 and `pip install websockets`.

ASTRA_TOKEN=… python websocket_client.py ws://127.0.0.1:8000 recording.wav [--session ID] [--finalize]

What is not acknowledged when the socket breaks is sent again on the next one; a number is accepted once, so that this
doubles nothing.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import time
import wave
from collections.abc import Iterator
from typing import Any
from urllib.request import Request, urlopen

from websockets.exceptions import ConnectionClosed, InvalidHandshake
from websockets.sync.client import ClientConnection, connect

CHUNK_S = 5
GIVE_UP_AFTER = 20
COME_BACK = {1001, 1006, 1011, 1012, 4429, 4503}
HEADERS = {"Authorization": f"Bearer {os.environ.get('ASTRA_TOKEN', '')}"}


def chunks(path: str) -> Iterator[bytes]:
    """Cut a WAV file into WAV files of five seconds."""
    with wave.open(path, "rb") as source:
        while frames := source.readframes(CHUNK_S * source.getframerate()):
            target = io.BytesIO()
            with wave.open(target, "wb") as part:
                part.setparams(source.getparams())
                part.writeframes(frames)
            yield target.getvalue()


def call(url: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
    """Call the REST API, for what has no frame: starting a session and fetching its links."""
    data = None if body is None else json.dumps(body).encode()
    request = Request(url, data, {**HEADERS, "Content-Type": "application/json"})  # noqa: S310 - the user's own address
    with urlopen(request, timeout=30) as answer:  # noqa: S310
        found: dict[str, Any] = json.load(answer)
    return found


def hear(socket: ClientConnection, *kinds: str) -> dict[str, Any]:
    """Return the next frame of these kinds; end the program at what the server refuses for good."""
    while True:
        frame: dict[str, Any] = json.loads(socket.recv(timeout=30))
        if frame["type"] == "error" and "retry_after_s" not in frame:
            raise SystemExit(f"{frame['code']}: {frame['detail']}")
        if frame["type"] == "error":
            time.sleep(frame["retry_after_s"])
        if frame["type"] in kinds:
            return frame


def stream(url: str, unacknowledged: dict[int, bytes]) -> None:
    """Send the chunks over one socket; each is forgotten when it is acknowledged."""
    with connect(url, additional_headers=HEADERS, subprotocols=["astra.stream.v1"], compression=None) as socket:
        socket.send(json.dumps({"type": "hello", "events": False}))
        print("welcome, the highest number is", hear(socket, "welcome")["highest_sequence_id"])
        for number, audio in list(unacknowledged.items()):
            socket.send(json.dumps({"type": "audio", "sequence_id": number}))
            socket.send(audio)
            answer = hear(socket, "ack", "error")
            if answer["type"] == "ack":
                del unacknowledged[number]
                print("acknowledged", number, "(known)" if answer["repeated"] else "")


def finalize(url: str) -> None:
    """Ask for the minutes, and watch until the session is closed."""
    with connect(url, additional_headers=HEADERS, subprotocols=["astra.stream.v1"], compression=None) as socket:
        socket.send(json.dumps({"type": "hello", "events": True}))
        socket.send(json.dumps({"type": "finalize"}))
        while (state := hear(socket, "event", "finalize").get("event", {}).get("state")) != "CLOSED":
            if state in ("BUILD_FAILED", "SEAL_FAILED"):
                raise SystemExit(state)


def main() -> None:
    """Start a session or go on with one, send the file, and ask for the minutes if told to."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("server")
    parser.add_argument("file")
    parser.add_argument("--session", help="go on with this session")
    parser.add_argument("--finalize", action="store_true", help="ask for the minutes and wait for them")
    given = parser.parse_args()
    rest = given.server.replace("ws", "http", 1) + "/v1/orchestrator/session"
    start = {"client_timezone": "America/Bogota", "mode": "realtime"}
    session = call(f"{rest}/{given.session}") if given.session else call(f"{rest}/start", start)
    session_id = session["session_id"]
    print("session", session_id)
    url = f"{given.server}/ws/v1/session/{session_id}/stream"
    unacknowledged = dict(enumerate(chunks(given.file), session["highest_sequence_id"] + 1))
    for attempt in range(GIVE_UP_AFTER + 1):
        try:
            stream(url, unacknowledged)
        except ConnectionClosed as closed:
            if closed.rcvd is not None and closed.rcvd.code not in COME_BACK:
                raise SystemExit(f"{closed.rcvd.code}: {closed.rcvd.reason}") from closed
        except (OSError, InvalidHandshake) as error:
            print("not connected:", error)
        if not unacknowledged:
            break
        if attempt == GIVE_UP_AFTER:
            raise SystemExit("The server can't be reached.")
        time.sleep(min(0.2 * 2**attempt, 5))
    if given.finalize:
        finalize(url)
        print("minutes", call(f"{rest}/{session_id}")["delivery"]["download_url"])


if __name__ == "__main__":
    main()
