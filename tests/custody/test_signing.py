"""Signing keys: where they come from, and where none is made up."""

from __future__ import annotations

import base64
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from custody.chain import SignedSnapshot, signed_message
from custody.errors import SigningKeyRefused
from custody.signing import SeedSigner, key_id_of, load_signer, signature_holds
from tests.custody.samples import SIGNER, signed


def test_a_signature_holds_for_its_message_and_key_only() -> None:
    signature = SIGNER.sign(b"message")
    other = SeedSigner(b"\x01" * 32)
    assert signature_holds(SIGNER.public_key, b"message", signature)
    assert not signature_holds(SIGNER.public_key, b"messagf", signature)
    assert not signature_holds(other.public_key, b"message", signature)
    assert not signature_holds(b"short", b"message", signature)


def test_a_snapshot_is_signed_over_its_integrity_hash() -> None:
    snapshot: SignedSnapshot = signed()
    assert snapshot.payload["key_id"] == key_id_of(SIGNER.public_key)
    assert signature_holds(SIGNER.public_key, signed_message(snapshot.integrity_hash), snapshot.signature)


def test_the_seed_in_the_environment_wins(tmp_path: Path) -> None:
    text = base64.b64encode(bytes(range(32))).decode()
    found = load_signer(seed_text=f" {text}\n", key_file=tmp_path / "none", production=True)
    assert found.key_id == SIGNER.key_id


def test_processes_that_start_at_once_agree_on_the_development_key(tmp_path: Path) -> None:
    place = tmp_path / "keys" / "signing_key"
    with ThreadPoolExecutor(8) as pool:
        loads = [pool.submit(load_signer, seed_text="", key_file=place, production=False) for _ in range(16)]
    assert len({load.result().key_id for load in loads}) == 1
    assert stat.S_IMODE(place.stat().st_mode) == 0o600
    assert [found.name for found in place.parent.iterdir()] == ["signing_key"]


def test_production_makes_no_key_up(tmp_path: Path) -> None:
    with pytest.raises(SigningKeyRefused) as caught:
        load_signer(seed_text="", key_file=tmp_path / "signing_key", production=True)
    assert caught.value.code == "signing_key_missing"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("text", ["no base64 !", "c2hvcnQ="])
def test_a_malformed_key_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(SigningKeyRefused) as caught:
        load_signer(seed_text=text, key_file=tmp_path / "none", production=False)
    assert caught.value.code == "signing_key_malformed"
