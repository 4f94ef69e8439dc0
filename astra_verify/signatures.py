"""Ed25519 signatures, key ids, and the key files that people bring along."""

from __future__ import annotations

import base64
import binascii
import hashlib
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from astra_verify import canonical
from astra_verify.evidence import members, record, rows, schema, text
from astra_verify.findings import Disproved, UnreadableInput

_DOMAIN = b"astra.snapshot-signature/1\n"


def key_id_of(public_key: bytes) -> str:
    """`ed25519:` and the first 32 hex digits of SHA-256 over the raw public key."""
    return f"ed25519:{hashlib.sha256(public_key).hexdigest()[:32]}"


def decoded(value: Any, size: int, what: str) -> bytes:
    """Bytes from base64 text of an exact size; else `Disproved`."""
    try:
        data = base64.b64decode(text(value, what), validate=True)
    except (binascii.Error, ValueError) as error:
        raise Disproved(f"{what} is not base64.") from error
    if len(data) != size:
        raise Disproved(f"{what} has {len(data)} bytes instead of {size}.")
    return data


def carried_keys(document: Any) -> dict[str, bytes]:
    """Keys of a `public_keys.json` by key id, each id checked against its key.

    Raises `Disproved` on the first bad one, and on anything else that stands beside them.
    """
    found: dict[str, bytes] = {}
    schema(record(document, "public_keys.json"), "astra.public-keys/1", "public_keys.json")
    members(document, frozenset({"schema", "keys"}), "public_keys.json")
    for row in rows(document.get("keys"), "The list of public keys"):
        members(row, frozenset({"key_id", "algorithm", "public_key"}), "A row of public_keys.json")
        if row.get("algorithm") != "Ed25519":
            raise Disproved("public_keys.json lists a key that is not Ed25519.")
        raw = decoded(row.get("public_key"), 32, "A public key")
        if row.get("key_id") != key_id_of(raw):
            raise Disproved(f"The public key {key_id_of(raw)} is listed under another id.")
        found[key_id_of(raw)] = raw
    return found


def signed_by(snapshot: dict[str, Any], public_key: bytes) -> bool:
    """Whether the signature of a `snapshot.json` is good under this key, over the integrity hash that it states."""
    signature = record(snapshot.get("signature"), "The signature")
    message = _DOMAIN + text(snapshot.get("integrity_hash"), "The integrity hash").encode("utf-8", "replace")
    try:
        key = Ed25519PublicKey.from_public_bytes(public_key)
        key.verify(decoded(signature.get("value"), 64, "The signature"), message)
    except (InvalidSignature, ValueError):
        return False
    return True


def read_trusted_keys(place: Path) -> frozenset[bytes]:
    """Raw keys from a file: `public_keys.json`, a PEM public key, or one base64 key; else `UnreadableInput`."""
    try:
        data = place.read_bytes()
    except OSError as error:
        raise UnreadableInput(f"The trusted key file can't be read: {error}.") from error
    try:
        if data.lstrip().startswith(b"{"):
            keys = frozenset(carried_keys(canonical.parse(data)).values())
        elif data.lstrip().startswith(b"-----"):
            keys = frozenset({_from_pem(data)})
        else:
            keys = frozenset({decoded(data.decode("ascii").strip(), 32, "The trusted key")})
    except (Disproved, ValueError, UnsupportedAlgorithm) as error:
        raise UnreadableInput(f"The trusted key file holds no Ed25519 public key: {error}") from error
    if not keys:
        raise UnreadableInput("The trusted key file holds no key.")
    return keys


def _from_pem(data: bytes) -> bytes:
    key = load_pem_public_key(data)
    if not isinstance(key, Ed25519PublicKey):
        raise ValueError("the PEM key is of another kind.")
    return key.public_bytes_raw()
