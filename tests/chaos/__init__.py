"""Faults under load. Parts are killed and started while gRPC clients run in this process.

gRPC's own fork handlers would break the new process at birth, so they are turned off before gRPC is loaded.
"""

from __future__ import annotations

import os

os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")
