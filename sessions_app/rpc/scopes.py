"""Which scope each method of the service wants. What is not listed can't be called."""

from __future__ import annotations

from typing import Final

from sessions_app.api.views import READ, WRITE
from sessions_app.rpc.generated import session_pb2 as pb

SERVICE: Final = pb.DESCRIPTOR.services_by_name["SessionService"].full_name
_OF_METHOD: Final = {
    "Start": WRITE,
    "Append": WRITE,
    "Stream": WRITE,
    "SetContext": WRITE,
    "Get": READ,
    "ListBlocks": READ,
    "Watch": READ,
    "Finalize": WRITE,
    "Clone": WRITE,
}
SCOPES: Final = {f"/{SERVICE}/{method}": scope for method, scope in _OF_METHOD.items()}
