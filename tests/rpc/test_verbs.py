"""Every verb of a session over gRPC."""

from __future__ import annotations

from tests.rpc.serving import Rpc
from sessions_app.rpc.generated import session_pb2 as pb


def test_smoke(rpc: Rpc) -> None:
    session_id = rpc.start()
    print(rpc.say(session_id, 1, "Se abre la sesión."))
    print(rpc.call("Get", pb.GetRequest(session_id=session_id)))
    print(rpc.call("ListBlocks", pb.ListBlocksRequest(session_id=session_id)))
