"""The server itself: health that is true, a description for those who may see it, TLS, limits, and an orderly end."""

from __future__ import annotations

import contextlib
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import grpc
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from django.db import DataError, OperationalError, connection
from grpc import StatusCode as Status
from grpc_health.v1 import health_pb2
from grpc_health.v1.health_pb2_grpc import HealthStub
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase
from pytest_django import Settings

from astra_site import grpc_server, health
from astra_site.lib.clock import utc_now
from astra_site.lib.errors import InvalidInput
from sessions_app.rpc import verbs
from sessions_app.rpc.generated import session_pb2 as pb
from sessions_app.rpc.scopes import SERVICE
from tests.clients.cutting import wire
from tests.jobs.processes import start_python
from tests.people import Person
from tests.rpc.live import live
from tests.rpc.serving import TIMEOUT_S, Rpc, bearer, refused, serving
from tests.sessions.minutes_client import OPENING

SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING


def wait_for_health(channel: grpc.Channel, status: int, service: str = "") -> None:
    """Watch the health service until it says so."""
    request = health_pb2.HealthCheckRequest(service=service)
    watching: Any = HealthStub(channel).Watch(request, timeout=TIMEOUT_S)
    assert any(answer.status == status for answer in watching)
    watching.cancel()


def test_health_tells_what_the_dependencies_tell(
    channel: grpc.Channel, monkeypatch: pytest.MonkeyPatch, transactional_db: None
) -> None:
    """It asks every few seconds; here, at once."""
    for service in ("", SERVICE):
        wait_for_health(channel, SERVING, service)
    with pytest.raises(grpc.RpcError) as raised:
        HealthStub(channel).Check(health_pb2.HealthCheckRequest(service="other"), timeout=TIMEOUT_S)
    assert raised.value.code() == Status.NOT_FOUND

    def refuse() -> None:
        raise OperationalError("connection refused")

    monkeypatch.setattr(grpc_server, "LOOK_EVERY_S", 0.05)
    with serving() as quick, grpc.insecure_channel(quick.target) as other:
        wait_for_health(other, SERVING)
        monkeypatch.setitem(health.CHECKS, "postgres", refuse)
        wait_for_health(other, NOT_SERVING, SERVICE)
        monkeypatch.setitem(health.CHECKS, "postgres", lambda: None)
        wait_for_health(other, SERVING)


def test_reflection_describes_the_service_to_a_client_that_knows_nothing(channel: grpc.Channel) -> None:
    described = ProtoReflectionDescriptorDatabase(channel)
    assert {SERVICE, "grpc.health.v1.Health"} <= set(described.get_services())
    assert described.FindFileContainingSymbol(SERVICE).name == "astra/session/v1/session.proto"


def test_in_production_the_description_is_not_public_unless_told(settings: Settings, transactional_db: None) -> None:
    settings.PUBLIC_DOCS = False
    with serving() as server, grpc.insecure_channel(server.target) as channel:
        with pytest.raises(grpc.RpcError) as raised:
            ProtoReflectionDescriptorDatabase(channel).get_services()
        assert raised.value.code() == Status.UNIMPLEMENTED
        wait_for_health(channel, SERVING)


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, Path]:
    """A certificate for `localhost`, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(utc_now() - timedelta(days=1))
        .not_valid_after(utc_now() + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    cert_file, key_file = tmp_path / "cert.pem", tmp_path / "key.pem"
    cert_file.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    key_file.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return cert_file, key_file


def test_with_a_certificate_the_connection_is_encrypted_but_for_the_local_socket(
    settings: Settings, certificate: tuple[Path, Path], alice: Person, transactional_db: None, tmp_path: Path
) -> None:
    settings.GRPC_TLS_CERT_FILE, settings.GRPC_TLS_KEY_FILE = map(str, certificate)
    local = f"unix:{tmp_path / 'grpc.sock'}"
    with serving("localhost:0", local) as server:
        target = f"localhost:{server.server.ports[0]}"
        trusted = grpc.ssl_channel_credentials(certificate[0].read_bytes())
        with grpc.secure_channel(target, trusted) as channel:
            assert Rpc(channel, alice.token()).start()
        with grpc.insecure_channel(target) as channel, pytest.raises(grpc.RpcError) as raised:
            Rpc(channel, alice.token()).start()
        assert raised.value.code() == Status.UNAVAILABLE
        with grpc.insecure_channel(local) as channel:
            wait_for_health(channel, SERVING)


def test_half_a_certificate_is_no_certificate(settings: Settings, certificate: tuple[Path, Path]) -> None:
    settings.GRPC_TLS_CERT_FILE = str(certificate[0])
    with pytest.raises(InvalidInput, match="must both be readable"), serving():
        pass


def test_a_port_that_is_taken_is_an_error_and_not_shared(db: None) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(InvalidInput, match="is it in use"), serving(f"127.0.0.1:{taken.getsockname()[1]}"):
            pass


def test_one_call_more_than_the_limit_is_told_to_come_back(
    settings: Settings, alice: Person, transactional_db: None
) -> None:
    settings.GRPC_MAX_CALLS = 1
    with serving() as server, grpc.insecure_channel(server.target) as channel:
        rpc = Rpc(channel, alice.token())
        session_id = rpc.start()
        with live(rpc) as stream:
            stream.hello(session_id)
            with refused("server_busy", Status.RESOURCE_EXHAUSTED):
                rpc.say(session_id, 1, OPENING)
            wait_for_health(channel, SERVING)
            stream.half_close()
            stream.rest()
        assert rpc.say(session_id, 1, OPENING).ack.sequence_id == 1


def test_a_connection_that_died_without_a_word_is_noticed(
    settings: Settings, alice: Person, transactional_db: None
) -> None:
    """Its stream takes up the only place until the server's pings are not answered."""
    settings.GRPC_MAX_CALLS, settings.GRPC_KEEPALIVE_S = 1, 1
    with (
        serving() as server,
        wire(server.server.ports[0]) as cable,
        grpc.insecure_channel(server.target) as channel,
        grpc.insecure_channel(f"127.0.0.1:{cable.port}") as pulled,
    ):
        rpc = Rpc(channel, alice.token())
        session_id = rpc.start()
        with live(Rpc(pulled, alice.token())) as stream:
            stream.hello(session_id)
            with refused("server_busy", Status.RESOURCE_EXHAUSTED):
                rpc.say(session_id, 1, OPENING)
            cable.frozen.set()
            deadline = time.monotonic() + 20
            while time.monotonic() < deadline:
                with contextlib.suppress(grpc.RpcError):
                    rpc.say(session_id, 1, OPENING)
                    break
            else:
                raise AssertionError("The dead stream was never noticed.")


def test_a_small_message_that_unpacks_to_a_large_one_is_refused(rpc: Rpc) -> None:
    session_id = rpc.start()
    bomb = pb.AppendRequest(session_id=session_id, input=pb.Input(sequence_id=1, audio=bytes(30 * 1024 * 1024)))
    with pytest.raises(grpc.RpcError) as raised:
        rpc.stub.Append(bomb, metadata=bearer(rpc.token), timeout=TIMEOUT_S, compression=grpc.Compression.Gzip)
    assert raised.value.code() == Status.RESOURCE_EXHAUSTED


def test_a_fault_of_ours_tells_nothing_of_itself(rpc: Rpc, monkeypatch: pytest.MonkeyPatch) -> None:
    def break_down(*_: Any) -> None:
        raise ZeroDivisionError("the secret of the house")

    session_id = rpc.start()
    monkeypatch.setattr(verbs, "get", break_down)
    with refused("internal_error", Status.INTERNAL) as said:
        rpc.call("Get", pb.GetRequest(session_id=session_id))
    assert "secret" not in str(said)
    monkeypatch.setattr(verbs, "append", break_down)
    with live(rpc) as stream:
        stream.hello(session_id)
        stream.say(1, OPENING)
        with refused("internal_error", Status.INTERNAL):
            stream.rest()


def test_what_the_database_says_is_told_as_over_http(rpc: Rpc, monkeypatch: pytest.MonkeyPatch) -> None:
    session_id = rpc.start()
    for error, code, status, retry in (
        (OperationalError("server closed the connection"), "database_unavailable", Status.UNAVAILABLE, "2"),
        (DataError("integer out of range"), "input_unstorable", Status.INVALID_ARGUMENT, None),
    ):

        def fail(*_: Any, error: Exception = error) -> None:
            raise error

        monkeypatch.setattr(verbs, "get", fail)
        with refused(code, status) as said:
            rpc.call("Get", pb.GetRequest(session_id=session_id))
        assert said["retry-after-s"] == retry


def test_the_trace_of_a_call_is_the_callers(rpc: Rpc) -> None:
    trace_id = "0af7651916cd43dd8448eb211c80319c"
    metadata = (*bearer(rpc.token), ("traceparent", f"00-{trace_id}-b7ad6b7169203331-01"))
    _, call = rpc.stub.Start.with_call(
        pb.StartRequest(client_timezone="America/Bogota"), metadata=metadata, timeout=TIMEOUT_S
    )
    assert dict(call.trailing_metadata())["x-trace-id"] == trace_id


def test_database_connections_go_back_after_every_call(rpc: Rpc) -> None:
    session_id = rpc.start()
    for _ in range(12):
        rpc.call("Get", pb.GetRequest(session_id=session_id))
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE state LIKE 'idle in transaction%'")
        assert cursor.fetchone() == (0,)


@pytest.fixture
def command(transactional_db: None) -> Iterator[subprocess.Popen[str]]:
    """`manage.py run_grpc` on the test's database."""
    process = start_python("manage.py", "run_grpc", "--address", "127.0.0.1:0")
    yield process
    process.kill()
    process.communicate(timeout=10)


def test_the_command_serves_until_it_is_told_to_stop(command: subprocess.Popen[str], alice: Person) -> None:
    assert command.stdout is not None
    said = command.stdout.readline()
    target = said.strip().rpartition(" ")[2]
    assert said.startswith("gRPC listens at 127.0.0.1:")
    with grpc.insecure_channel(target) as channel:
        rpc = Rpc(channel, alice.token())
        session_id = rpc.start()
        with live(rpc) as stream:
            stream.hello(session_id)
            stream.say(1, OPENING)
            stream.read("ack")
            began = time.monotonic()
            command.send_signal(signal.SIGTERM)
            with refused("server_stopping", Status.UNAVAILABLE):
                stream.rest()
    command.communicate(timeout=20)
    assert command.returncode == 0
    assert time.monotonic() - began < 10
