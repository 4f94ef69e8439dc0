"""`TenantConfigService.GetConfig`: what REST gives, to who may have it, described to who asks."""

from __future__ import annotations

from typing import Any

import grpc
import pytest
from grpc import StatusCode as Status
from grpc_health.v1 import health_pb2
from grpc_health.v1.health_pb2_grpc import HealthStub
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase

from astra_site import grpc_server
from astra_site.lib.hashing import Sha256
from tenants.rpc.generated import config_pb2 as pb
from tenants.rpc.generated.config_pb2_grpc import TenantConfigServiceStub
from tenants.rpc.servicer import SCOPES, SERVICE
from tests.config_service.ground import publish
from tests.people import Person, client_for
from tests.rpc.serving import TIMEOUT_S, bearer, refused
from tests.sessions.test_bad_tokens import BAD_TOKENS

METHODS = pb.DESCRIPTOR.services_by_name["TenantConfigService"].methods_by_name
STATUS_OF = {401: Status.UNAUTHENTICATED, 403: Status.PERMISSION_DENIED}


def ask(channel: grpc.Channel, token: str, **fields: Any) -> pb.Config:
    """Ask for a configuration."""
    stub = TenantConfigServiceStub(channel)
    return stub.GetConfig(pb.GetConfigRequest(**fields), metadata=bearer(token), timeout=TIMEOUT_S)


def test_it_gives_what_rest_gives(channel: grpc.Channel, alice: Person) -> None:
    publish(alice.council, "second")
    for number in (None, 1):
        fields = {} if number is None else {"version": number}
        found = ask(channel, alice.token(), tenant_id=str(alice.tenant_id), **fields)
        assert found == ask(channel, alice.token(), **fields), "no tenant means the token's own"
        suffix = "" if number is None else f"/{number}"
        answer = client_for(alice).get(f"/v1/tenants/{alice.tenant_id}/config{suffix}")
        assert found.content == answer.content
        assert f'"{found.sha256}"' == answer.headers["ETag"] == f'"{Sha256.of(found.content)}"'
        assert str(found.version) == answer.headers["Astra-Config-Version"]
        assert (found.tenant_id, found.is_known) == (str(alice.tenant_id), False)


def test_who_has_it_is_not_sent_it_again(channel: grpc.Channel, alice: Person) -> None:
    whole = ask(channel, alice.token())
    known = ask(channel, alice.token(), known_sha256=whole.sha256)
    assert (known.is_known, known.content, known.version, known.sha256) == (True, b"", 1, whole.sha256)
    publish(alice.council, "second")
    assert ask(channel, alice.token(), known_sha256=whole.sha256).version == 2


def test_every_method_says_which_scope_it_wants() -> None:
    assert set(SCOPES) == {f"/{SERVICE}/{method}" for method in METHODS}


def test_an_outsider_is_refused(channel: grpc.Channel, alice: Person, charlie: Person) -> None:
    ask(channel, alice.token())
    for fields in ({}, {"version": 1}, {"version": 99}):
        with refused("config_of_another_tenant", Status.PERMISSION_DENIED):
            ask(channel, charlie.token(), tenant_id=str(alice.tenant_id), **fields)
    assert ask(channel, charlie.token()).tenant_id == str(charlie.tenant_id)


def test_refusals_say_why(channel: grpc.Channel, alice: Person) -> None:
    with refused("config_version_not_found", Status.NOT_FOUND):
        ask(channel, alice.token(), version=2**32 - 1)
    with refused("tenant_id_invalid", Status.INVALID_ARGUMENT):
        ask(channel, alice.token(), tenant_id="quibdo")
    with refused("scope_missing", Status.PERMISSION_DENIED) as said:
        ask(channel, alice.token("sessions:read", "sessions:write", "jobs:read"))
    assert said["details"] == {"scope": "config:read"}


def test_a_bad_token_opens_nothing(channel: grpc.Channel, alice: Person, subtests: pytest.Subtests) -> None:
    for name, (make, status, code) in BAD_TOKENS.items():
        token = make(alice)
        if not token.isascii():
            continue  # no gRPC client sends such metadata
        with subtests.test(name), refused(code, STATUS_OF[status]):
            ask(channel, token)


def test_the_server_serves_what_it_says_it_does_and_each_method_has_a_scope(channel: grpc.Channel) -> None:
    described = ProtoReflectionDescriptorDatabase(channel)
    services = set(described.get_services()) - grpc_server.PUBLIC
    assert services == set(grpc_server.SERVICES)
    methods = {
        f"/{service}/{method.name}"
        for service in services
        for file in [described.FindFileContainingSymbol(service)]
        for one in file.service
        if f"{file.package}.{one.name}" == service
        for method in one.method
    }
    assert methods == set(grpc_server.SCOPES)


def test_reflection_and_health_know_the_service(channel: grpc.Channel) -> None:
    described = ProtoReflectionDescriptorDatabase(channel)
    assert SERVICE in described.get_services()
    assert described.FindFileContainingSymbol(SERVICE).name == "astra/tenants/v1/config.proto"
    watching: Any = HealthStub(channel).Watch(health_pb2.HealthCheckRequest(service=SERVICE), timeout=TIMEOUT_S)
    assert any(answer.status == health_pb2.HealthCheckResponse.SERVING for answer in watching)
    watching.cancel()
