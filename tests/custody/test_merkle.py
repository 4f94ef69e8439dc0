"""The tree of RFC 6962: known answers, and proofs that hold for the truth and for nothing else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from astra_site.lib.errors import InvalidInput
from astra_site.lib.hashing import Sha256
from custody.merkle import (
    EMPTY_ROOT,
    MerkleTree,
    leaf_hash,
    merkle_root,
    node_hash,
    verify_consistency,
    verify_inclusion,
)

# Leaves and roots of the reference implementation of RFC 6962 (certificate-transparency, merkletree tests).
LEAVES = [
    bytes.fromhex(text)
    for text in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")
]
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
HASHES = st.builds(leaf_hash, st.binary(max_size=4))
SIZES = st.integers(min_value=1, max_value=70)


def tree_of(size: int) -> MerkleTree:
    return MerkleTree([leaf_hash(number.to_bytes(2, "big")) for number in range(size)])


def recursive_root(leaves: list[bytes]) -> Sha256:
    """The definition in section 2.1, word for word."""
    if not leaves:
        return Sha256.of(b"")
    if len(leaves) == 1:
        return leaf_hash(leaves[0])
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return node_hash(recursive_root(leaves[:split]), recursive_root(leaves[split:]))


@pytest.mark.parametrize("size", range(1, 9))
def test_known_roots(size: int) -> None:
    assert merkle_root(LEAVES[:size]).hex == ROOTS[size - 1]


def test_no_leaves_hash_to_the_empty_string() -> None:
    assert merkle_root([]) == EMPTY_ROOT


@given(st.lists(st.binary(max_size=8), max_size=40))
def test_root_is_the_recursive_definition(leaves: list[bytes]) -> None:
    assert merkle_root(leaves) == recursive_root(leaves)


@given(SIZES, st.data())
def test_inclusion_is_proven_for_its_leaf_and_place_only(size: int, data: st.DataObject) -> None:
    tree = tree_of(size)
    index = data.draw(st.integers(0, size - 1))
    leaf = leaf_hash(index.to_bytes(2, "big"))
    proof = tree.inclusion_proof(index)
    assert verify_inclusion(leaf, index, size, proof, tree.root)
    assert not verify_inclusion(leaf_hash(b"other"), index, size, proof, tree.root)
    assert not verify_inclusion(leaf, index, size, [*proof, leaf], tree.root)
    if proof:
        other = (index + 1) % size
        assert not verify_inclusion(leaf, index, size, proof[:-1], tree.root)
        assert not verify_inclusion(leaf, other, size, proof, tree.root)


@given(SIZES, st.data())
def test_consistency_is_proven_for_true_prefixes_only(size: int, data: st.DataObject) -> None:
    old_size = data.draw(st.integers(1, size))
    old, new = tree_of(old_size), tree_of(size)
    proof = new.consistency_proof(old_size)
    assert len(proof) <= 2 * size.bit_length()
    assert verify_consistency(old_size, size, old.root, new.root, proof)
    assert not verify_consistency(old_size, size, leaf_hash(b"other"), new.root, proof)
    if old_size < size:
        assert not verify_consistency(old_size, size, old.root, leaf_hash(b"other"), proof)
        assert not verify_consistency(old_size, size, old.root, new.root, proof[:-1])
        assert not verify_consistency(old_size, size, old.root, new.root, [*proof, old.root])


@given(SIZES, st.data(), st.lists(HASHES, max_size=8))
def test_made_up_proofs_prove_nothing(size: int, data: st.DataObject, proof: list[Sha256]) -> None:
    tree = tree_of(size)
    index = data.draw(st.integers(-1, size + 1))
    assert not verify_inclusion(leaf_hash(b"other"), index, size, proof, tree.root)
    assert not verify_consistency(index, size, leaf_hash(b"other"), tree.root, proof)


def test_there_is_no_proof_for_what_is_not_there() -> None:
    tree = tree_of(3)
    with pytest.raises(InvalidInput) as index_error:
        tree.inclusion_proof(3)
    assert index_error.value.code == "merkle_index_out_of_range"
    with pytest.raises(InvalidInput) as size_error:
        tree.consistency_proof(4)
    assert size_error.value.code == "merkle_size_out_of_range"
