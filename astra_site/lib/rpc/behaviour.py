"""Running the behaviour of a gRPC method inside something: the one seam that our interceptors use."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any, Final, NoReturn, TypeAlias

import grpc
from google.protobuf.message import DecodeError

from astra_site.lib.errors import InvalidInput

Call = grpc.aio.ServicerContext[Any, Any]
Method: TypeAlias = "grpc.RpcMethodHandler[Any, Any]"
Inside = Callable[[Call], AbstractAsyncContextManager[None]]

MALFORMED: Final = object()
"""Stands for a message that can't be read."""


def inside(handler: Method, enter: Inside) -> Method:
    """Return the handler with its behaviour run inside `enter(call)`, in one task from begin to end.

    Methods that answer with a stream must be coroutines that write to the call: an async generator that is abandoned
    would be closed in another task, where nothing that was opened here can be closed. A message that can't be read
    raises `InvalidInput` (`message_malformed`) inside, and is `MALFORMED` for who reads a stream.
    """
    behaviour: Any
    make: Any
    if handler.request_streaming and handler.response_streaming:
        behaviour, make = handler.stream_stream, grpc.stream_stream_rpc_method_handler
    elif handler.request_streaming:
        behaviour, make = handler.stream_unary, grpc.stream_unary_rpc_method_handler
    elif handler.response_streaming:
        behaviour, make = handler.unary_stream, grpc.unary_stream_rpc_method_handler
    else:
        behaviour, make = handler.unary_unary, grpc.unary_unary_rpc_method_handler

    async def run(request: Any, call: Call) -> Any:
        async with enter(call):
            return await behaviour(readable(request), call)

    made: Method = make(run, _tolerant(handler.request_deserializer), handler.response_serializer)
    return made


def readable(message: Any) -> Any:
    """Return the message; raise `InvalidInput` (`message_malformed`) for one that could not be read."""
    if message is MALFORMED:
        raise InvalidInput("message_malformed", "The message is not of the type that this method takes.")
    return message


def refusing(error: BaseException) -> Method:
    """Return a handler that raises an error and reads nothing of what the caller sends."""

    async def refuse(_: Any, call: Call) -> NoReturn:
        raise error

    made: Method = grpc.stream_stream_rpc_method_handler(refuse)
    return made


def service_of(details: grpc.HandlerCallDetails) -> str:
    """Return the service (`package.Service`) that is called."""
    return details.method.strip("/").partition("/")[0]


def _tolerant(deserialize: Callable[[bytes], Any] | None) -> Callable[[bytes], Any]:
    def read(message: bytes) -> Any:
        try:
            return deserialize(message) if deserialize else message
        except DecodeError:
            return MALFORMED

    return read
