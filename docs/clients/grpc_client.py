#!/usr/bin/env python3
"""A live session over gRPC. Needs Python 3.11, `pip install grpcio grpcio-tools` and session.proto, nothing of ours.

ASTRA_TOKEN=… python grpc_client.py 127.0.0.1:50051 recording.wav [--session ID] [--protos FOLDER] [--finalize]

FOLDER holds astra/session/v1/session.proto. What is not acknowledged when the stream breaks is sent again on the next
one; a number is accepted once, so that this doubles nothing.
"""

from __future__ import annotations

import argparse
import io
import os
import queue
import sys
import time
import wave
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc

CHUNK_S = 5
GIVE_UP_AFTER = 20
REPOSITORY_PROTOS = Path(__file__).resolve().parents[2] / "sessions_app/rpc/protos"


def chunks(path: str) -> Iterator[bytes]:
    """Cut a WAV file into WAV files of five seconds."""
    with wave.open(path, "rb") as source:
        while frames := source.readframes(CHUNK_S * source.getframerate()):
            target = io.BytesIO()
            with wave.open(target, "wb") as part:
                part.setparams(source.getparams())
                part.writeframes(frames)
            yield target.getvalue()


def stream(stub: Any, pb: Any, metadata: Any, session_id: str, unacknowledged: dict[int, bytes]) -> None:
    """Send the chunks over one stream, one after the other; each is forgotten when it is acknowledged."""
    outgoing: queue.SimpleQueue[Any] = queue.SimpleQueue()
    answers = stub.Stream(iter(outgoing.get, None), metadata=metadata)
    outgoing.put(pb.StreamRequest(hello=pb.StreamHello(session_id=session_id)))
    print("welcome, the highest number is", next(answers).welcome.highest_sequence_id)
    for number, audio in list(unacknowledged.items()):
        outgoing.put(pb.StreamRequest(input=pb.Input(sequence_id=number, audio=audio)))
        answer = next(answers)
        if answer.WhichOneof("kind") == "ack":
            del unacknowledged[number]
            print("acknowledged", answer.ack.sequence_id, "(known)" if answer.ack.is_repeat else "")
        elif answer.error.HasField("retry_after_s"):
            time.sleep(answer.error.retry_after_s)
        else:
            raise SystemExit(f"{answer.error.code}: {answer.error.message}")
    outgoing.put(None)


def may_come_back(error: grpc.RpcError, attempt: int) -> bool:
    """Say whether to try again, after the pause that the server asks for or that courtesy demands."""
    told = dict(error.trailing_metadata())
    if "retry-after-s" not in told and error.code() != grpc.StatusCode.UNAVAILABLE:
        return False
    time.sleep(float(told.get("retry-after-s", min(0.2 * 2**attempt, 5))))
    return attempt < GIVE_UP_AFTER


def main() -> None:
    """Start a session or go on with one, send the file, and ask for the minutes if told to."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("target")
    parser.add_argument("file")
    parser.add_argument("--session", help="go on with this session")
    parser.add_argument("--protos", default=str(REPOSITORY_PROTOS))
    parser.add_argument("--finalize", action="store_true", help="ask for the minutes and wait for them")
    given = parser.parse_args()
    sys.path.insert(0, given.protos)
    pb, services = grpc.protos_and_services("astra/session/v1/session.proto")
    metadata = (("authorization", f"Bearer {os.environ['ASTRA_TOKEN']}"),)
    with grpc.insecure_channel(given.target) as channel:
        stub = services.SessionServiceStub(channel)
        if given.session:
            session = stub.Get(pb.GetRequest(session_id=given.session), metadata=metadata, timeout=30)
        else:
            start = pb.StartRequest(client_timezone="America/Bogota", mode=pb.MODE_REALTIME)
            session = stub.Start(start, metadata=metadata, timeout=30)
        print("session", session.session_id)
        unacknowledged = dict(enumerate(chunks(given.file), session.highest_sequence_id + 1))
        for attempt in range(GIVE_UP_AFTER + 1):
            try:
                stream(stub, pb, metadata, session.session_id, unacknowledged)
            except grpc.RpcError as error:
                if not may_come_back(error, attempt):
                    raise SystemExit(f"{error.code().name}: {error.details()}") from error
            if not unacknowledged:
                break
        while given.finalize:
            request = pb.FinalizeRequest(session_id=session.session_id)
            session = stub.Finalize(request, metadata=metadata, timeout=30)
            state = pb.SessionState.Name(session.state)
            if session.HasField("delivery"):
                print("minutes", session.delivery.download_url)
                return
            if state.endswith("FAILED"):
                raise SystemExit(f"{state}: {session.failure.message}")
            time.sleep(1)


if __name__ == "__main__":
    main()
