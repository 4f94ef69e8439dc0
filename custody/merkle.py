"""Merkle trees as in RFC 6962 (section 2.1): one root for many leaves, with short proofs.

Leaves are hashed with the prefix 0x00 and inner nodes with 0x01, so that no node can pass for a leaf. The split of n
leaves is at the largest power of two below n. Verification follows RFC 9162, sections 2.1.3.2 and 2.1.4.2.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence

from astra_site.lib.errors import InvalidInput
from astra_site.lib.hashing import Sha256

_LEAF = b"\x00"
_NODE = b"\x01"

EMPTY_ROOT = Sha256.of(b"")


def leaf_hash(data: bytes) -> Sha256:
    """Hash of one leaf: SHA-256(0x00 || data)."""
    return Sha256.of(_LEAF + data)


def node_hash(left: Sha256, right: Sha256) -> Sha256:
    """Hash of an inner node: SHA-256(0x01 || left || right)."""
    return Sha256.of(_NODE + left.digest + right.digest)


def merkle_root(leaves: Iterable[bytes]) -> Sha256:
    """Root over the data of leaves, in order. No leaves: the hash of the empty string."""
    return MerkleTree([leaf_hash(data) for data in leaves]).root


class MerkleTree:
    """An immutable tree over leaf hashes; O(n) to build, O(log n) per proof."""

    def __init__(self, leaf_hashes: Sequence[Sha256]) -> None:
        """Build every level once. `leaf_hashes` are results of `leaf_hash`, in order."""
        level = [leaf.digest for leaf in leaf_hashes]
        self.size = len(level)
        self._levels = [level]
        while len(level) > 1:
            level = _parents(level)
            self._levels.append(level)

    @property
    def root(self) -> Sha256:
        """The Merkle tree hash."""
        return Sha256(self._levels[-1][0]) if self.size else EMPTY_ROOT

    def inclusion_proof(self, index: int) -> list[Sha256]:
        """Hashes that lead from leaf `index` (0-based) to the root, lowest first.

        Raises `InvalidInput` (`merkle_index_out_of_range`).
        """
        if not 0 <= index < self.size:
            raise InvalidInput("merkle_index_out_of_range", f"The tree has {self.size} leaves; there is no {index}.")
        path = []
        for level in self._levels[:-1]:
            sibling = index ^ 1
            if sibling < len(level):
                path.append(Sha256(level[sibling]))
            index >>= 1
        return path

    def consistency_proof(self, old_size: int) -> list[Sha256]:
        """Hashes showing that the first `old_size` leaves (1 to size) are the whole older tree.

        Raises `InvalidInput` (`merkle_size_out_of_range`).
        """
        if not 0 < old_size <= self.size:
            raise InvalidInput("merkle_size_out_of_range", f"The tree has {self.size} leaves; {old_size} is no prefix.")
        return [Sha256(digest) for digest in self._subproof(old_size, 0, self.size, whole=True)]

    def _subproof(self, old: int, start: int, size: int, *, whole: bool) -> list[bytes]:
        if old == size:
            return [] if whole else [self._subtree(start, size)]
        split = 1 << ((size - 1).bit_length() - 1)
        if old <= split:
            inner = self._subproof(old, start, split, whole=whole)
            return [*inner, self._subtree(start + split, size - split)]
        inner = self._subproof(old - split, start + split, size - split, whole=False)
        return [*inner, self._subtree(start, split)]

    def _subtree(self, start: int, size: int) -> bytes:
        height = (size - 1).bit_length()
        return self._levels[height][start >> height]


def _parents(level: list[bytes]) -> list[bytes]:
    sha256 = hashlib.sha256
    pairs = range(0, len(level) - 1, 2)
    parents = [sha256(_NODE + level[at] + level[at + 1]).digest() for at in pairs]
    if len(level) % 2:
        parents.append(level[-1])
    return parents


def verify_inclusion(leaf: Sha256, index: int, size: int, proof: Sequence[Sha256], root: Sha256) -> bool:
    """Whether `proof` shows that `leaf` is number `index` (0-based) of the `size` leaves under `root`."""
    if not 0 <= index < size:
        return False
    at, last, result = index, size - 1, leaf
    for sibling in proof:
        if last == 0:
            return False
        if at & 1 or at == last:
            result = node_hash(sibling, result)
            while not at & 1 and at:
                at >>= 1
                last >>= 1
        else:
            result = node_hash(result, sibling)
        at >>= 1
        last >>= 1
    return last == 0 and result == root


def verify_consistency(
    old_size: int, new_size: int, old_root: Sha256, new_root: Sha256, proof: Sequence[Sha256]
) -> bool:
    """Whether `proof` shows that the tree of `old_size` leaves is a prefix of the one of `new_size`."""
    if not 0 < old_size <= new_size:
        return False
    if old_size == new_size:
        return not proof and old_root == new_root
    path = [old_root, *proof] if old_size & (old_size - 1) == 0 else list(proof)
    if not path:
        return False
    at, last = old_size - 1, new_size - 1
    while at & 1:
        at >>= 1
        last >>= 1
    old = new = path[0]
    for step in path[1:]:
        if last == 0:
            return False
        if at & 1 or at == last:
            old, new = node_hash(step, old), node_hash(step, new)
            while not at & 1 and at:
                at >>= 1
                last >>= 1
        else:
            new = node_hash(new, step)
        at >>= 1
        last >>= 1
    return last == 0 and old == old_root and new == new_root
