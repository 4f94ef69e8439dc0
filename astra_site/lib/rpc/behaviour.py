"""Running the behaviour of a gRPC method inside something: the one seam that our interceptors use."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any, TypeAlias

import grpc

Call = grpc.aio.ServicerContext[Any, Any]
Method: TypeAlias = "grpc.RpcMethodHandler[Any, Any]"
Inside = Callable[[Any, Call], AbstractAsyncContextManager[None]]
"""Given the request (a message; for a streaming method its iterator) and the call, what to be inside of."""


def inside(handler: Method, enter: Inside) -> Method:
    """Return the handler with its behaviour run inside `enter(request, call)`, in one task from begin to end.

    Methods that answer with a stream must be coroutines that write to the call: an async generator that is abandoned
    would be closed in another task, where nothing that was opened here can be closed.
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
        async with enter(request, call):
            return await behaviour(request, call)

    made: Method = make(run, handler.request_deserializer, handler.response_serializer)
    return made


def service_of(details: grpc.HandlerCallDetails) -> str:
    """Return the service (`package.Service`) that is called."""
    return details.method.strip("/").partition("/")[0]
