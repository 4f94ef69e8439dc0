"""The Merkle root of RFC 6962, section 2.1, in one function."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable


def root(leaves: Iterable[bytes]) -> str:
    """`sha256:<hex>` of the tree over the leaves' data, in order.

    A stack of complete subtrees, joined whenever two have the same size; what is left is joined from the right.
    """
    stack: list[tuple[int, bytes]] = []
    for leaf in leaves:
        size, node = 1, hashlib.sha256(b"\x00" + leaf).digest()
        while stack and stack[-1][0] == size:
            node = _join(stack.pop()[1], node)
            size *= 2
        stack.append((size, node))
    if not stack:
        return f"sha256:{hashlib.sha256(b'').hexdigest()}"
    node = stack.pop()[1]
    while stack:
        node = _join(stack.pop()[1], node)
    return f"sha256:{node.hex()}"


def _join(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()
