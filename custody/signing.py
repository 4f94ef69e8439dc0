"""Signing keys, behind an interface shaped like a key management service: the key itself never comes out."""

from __future__ import annotations

import base64
import binascii
import contextlib
import os
from pathlib import Path
from typing import Protocol

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from astra_site.lib.hashing import Sha256
from astra_site.lib.ids import new_id
from custody.errors import SigningKeyRefused

_SEED_BYTES = 32


class Signer(Protocol):
    """Signs with one Ed25519 key."""

    @property
    def key_id(self) -> str:
        """Name of the key, derived from the public key by `key_id_of`."""

    @property
    def public_key(self) -> bytes:
        """The raw public key, 32 bytes."""

    def sign(self, message: bytes) -> bytes:
        """Return the signature, 64 bytes. Raises an `AstraError` that is not permanent when a remote key is away."""


def key_id_of(public_key: bytes) -> str:
    """`ed25519:` and the first 32 hex digits of SHA-256 over the raw public key."""
    return f"ed25519:{Sha256.of(public_key).hex[:32]}"


def signature_holds(public_key: bytes, message: bytes, signature: bytes) -> bool:
    """Whether an Ed25519 signature is good; False for a malformed key or signature too."""
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


class SeedSigner:
    """A key held in this process, made from a 32-byte seed."""

    def __init__(self, seed: bytes) -> None:
        """Raise `SigningKeyRefused` (`signing_key_malformed`) unless the seed has 32 bytes."""
        if len(seed) != _SEED_BYTES:
            raise SigningKeyRefused("signing_key_malformed", "A signing key is a seed of 32 bytes, in base64.")
        self._key = Ed25519PrivateKey.from_private_bytes(seed)
        self._public = self._key.public_key().public_bytes_raw()

    @classmethod
    def from_text(cls, text: str) -> SeedSigner:
        """Read a seed in base64, white space around it allowed."""
        try:
            return cls(base64.b64decode(text.strip(), validate=True))
        except binascii.Error as error:
            raise SigningKeyRefused("signing_key_malformed", "The signing key is not base64.") from error

    @property
    def key_id(self) -> str:
        """See `Signer`."""
        return key_id_of(self._public)

    @property
    def public_key(self) -> bytes:
        """See `Signer`."""
        return self._public

    def sign(self, message: bytes) -> bytes:
        """See `Signer`."""
        return self._key.sign(message)


def load_signer(*, seed_text: str, key_file: Path, production: bool) -> SeedSigner:
    """Find the signing key: the seed itself, else the file; outside production a missing file is made on the spot.

    Guarantees: two processes that start at once agree on the made-up key; it is readable by its owner only; production
    never makes one up, it raises `SigningKeyRefused` (`signing_key_missing`).
    """
    if seed_text:
        return SeedSigner.from_text(seed_text)
    if not key_file.exists():
        if production:
            raise SigningKeyRefused(
                "signing_key_missing",
                "In production ASTRA_SIGNING_KEY or ASTRA_SIGNING_KEY_FILE is obligatory; no key is made up.",
            )
        _make_development_key(key_file)
    try:
        return SeedSigner.from_text(key_file.read_text("ascii"))
    except (OSError, UnicodeDecodeError) as error:
        raise SigningKeyRefused("signing_key_unreadable", "The signing key file can't be read.") from error


def _make_development_key(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    candidate = path.with_name(f"{path.name}.{new_id()}")
    descriptor = os.open(candidate, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(base64.b64encode(os.urandom(_SEED_BYTES)))
        stream.flush()
        os.fsync(stream.fileno())
    # A hard link is atomic and fails when another process was first: then its key is the key.
    with contextlib.suppress(FileExistsError):
        os.link(candidate, path)
    candidate.unlink()
