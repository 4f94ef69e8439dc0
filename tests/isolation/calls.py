"""Every method of every gRPC service of the product, and every socket, with a session filled in."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import grpc
from google.protobuf import descriptor_pool, message_factory
from google.protobuf.descriptor import Descriptor, MethodDescriptor
from google.protobuf.json_format import ParseDict
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from astra_site.asgi import application
from astra_site.grpc_server import PUBLIC
from tests.rpc.serving import TIMEOUT_S, bearer

SESSION = "session_id"
OTHER_MEMBERS: dict[str, dict[str, Any]] = {
    "AppendRequest": {"input": {"sequence_id": 9, "text": "x"}},
    "SetContextRequest": {"change": {"speaker": "x"}},
}
"""What else a right request has, so that it is refused for the session and not for its form."""


@dataclass(frozen=True)
class Rpc:
    """One method."""

    method: MethodDescriptor

    @property
    def name(self) -> str:
        return f"/{self.method.containing_service.full_name}/{self.method.name}"

    def request_about(self, session_id: str) -> Any:
        """A request that names the session wherever it can; None for a message that has no place for one."""
        given = _naming(self.method.input_type, session_id)
        if given is None:
            return None
        message = message_factory.GetMessageClass(self.method.input_type)()
        return ParseDict({**OTHER_MEMBERS.get(self.method.input_type.name, {}), **given}, message)

    def call(self, channel: grpc.Channel, token: str, request: Any) -> list[Any]:
        """Call it, whatever streams it has, and return its answers."""
        kind = f"{_shape(self.method.client_streaming)}_{_shape(self.method.server_streaming)}"
        answer = message_factory.GetMessageClass(self.method.output_type)
        stub = getattr(channel, kind)(
            self.name,
            request_serializer=lambda message: message.SerializeToString(),
            response_deserializer=answer.FromString,
        )
        sent = iter([request]) if self.method.client_streaming else request
        answered = stub(sent, metadata=bearer(token), timeout=TIMEOUT_S)
        return list(answered) if self.method.server_streaming else [answered]


def every_rpc(channel: grpc.Channel) -> Iterator[Rpc]:
    """Each method of the services that the running server says it has, but for those that anyone may ask."""
    asked = reflection_pb2.ServerReflectionRequest(list_services="")
    stub = reflection_pb2_grpc.ServerReflectionStub(channel)
    for answer in stub.ServerReflectionInfo(iter([asked]), timeout=TIMEOUT_S):
        for service in answer.list_services_response.service:
            if service.name not in PUBLIC:
                found = descriptor_pool.Default().FindServiceByName(service.name)
                yield from map(Rpc, found.methods)


def every_socket() -> Iterator[tuple[str, set[str]]]:
    """Each address of a socket that the site serves, with the names of its parameters."""
    for entry in application.application_mapping["websocket"].routes:
        if str(entry.pattern):  # the last one refuses what no other takes
            yield str(entry.pattern), set(entry.pattern.converters)


def _naming(message: Descriptor, session_id: str) -> dict[str, Any] | None:
    """Return the members that name a session in a message, or in one inside it."""
    for field in message.fields:
        if field.name == SESSION:
            return {SESSION: session_id}
        inner = field.message_type
        if inner is not None and inner.file.package == message.file.package:
            found = _naming(inner, session_id)
            if found is not None:
                return {field.name: found}
    return None


def _shape(streaming: bool) -> str:
    return "stream" if streaming else "unary"
