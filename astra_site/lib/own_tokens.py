"""Tokens that this installation issues itself, to its API clients, signed with its own key (ES256, RFC 9068).

Production signs with keys that its environment names. Development makes one, which is marked inside so that production
refuses it wherever it was copied to.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
from collections.abc import Mapping, Sequence
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, Final

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from django.conf import settings
from jwt import PyJWK
from jwt.algorithms import ECAlgorithm

from astra_site.lib.errors import NotFound, Unavailable
from astra_site.lib.jwks import kid_of

ALGORITHM: Final = "ES256"
DEVELOPMENT_MARK: Final = b"ASTRA development key: production refuses it\n"
_OWNER_ONLY: Final = 0o600


class TokenKeyRefused(Unavailable):
    """The installation's own token key is missing, unreadable, of another kind, or a development one."""

    permanent = True


class OwnKeys:
    """The installation's token keys: the first signs, all of them verify, so that keys can be changed in order.

    Args:
        paths: PEM files with P-256 private keys; none: nothing is issued and no such token accepted.
        production: whether keys that are marked as development ones are refused.
    """

    def __init__(self, paths: Sequence[Path], *, production: bool) -> None:
        """Remember where the keys are; they are read at the first use."""
        self._paths, self._production = paths, production

    @property
    def is_issuing(self) -> bool:
        """Whether there is a key to sign with."""
        return bool(self._paths)

    def sign(self, claims: Mapping[str, Any]) -> str:
        """Return an access token. Raises `NotFound` (`token_endpoint_off`) without keys, and `TokenKeyRefused`."""
        if not self._paths:
            raise NotFound("token_endpoint_off", "This installation issues no tokens: ask the identity provider.")
        kid, private = next(iter(self._private.items()))
        return jwt.encode(dict(claims), private, algorithm=ALGORITHM, headers={"kid": kid, "typ": "at+jwt"})

    def get_signing_key_from_jwt(self, token: str) -> PyJWK:
        """Return the public key that the token's header names; raise `PyJWKClientError` for none."""
        found = self._public.get(kid_of(token))
        if found is None:
            raise jwt.PyJWKClientError("The token names a key that this installation does not have.")
        return found

    @cached_property
    def _private(self) -> dict[str, ec.EllipticCurvePrivateKey]:
        keys = [_read(path, self._production) for path in self._paths]
        return {_kid(key): key for key in keys}

    @cached_property
    def _public(self) -> dict[str, PyJWK]:
        return {
            kid: PyJWK({**ECAlgorithm.to_jwk(key.public_key(), as_dict=True), "kid": kid, "alg": ALGORITHM})
            for kid, key in self._private.items()
        }


def own_keys() -> OwnKeys:
    """Return the keys that the settings name; in development one is made where there is none."""
    paths = tuple(Path(name) for name in settings.TOKEN_KEY_FILES)
    if not paths and not settings.PRODUCTION:
        paths = (settings.DATA_DIR / "keys" / "dev_client_token_key.pem",)
        _make_development_key(paths[0])
    return _keys(paths, settings.PRODUCTION)


@lru_cache(maxsize=4)
def _keys(paths: tuple[Path, ...], production: bool) -> OwnKeys:
    return OwnKeys(paths, production=production)


def _read(path: Path, production: bool) -> ec.EllipticCurvePrivateKey:
    try:
        pem = path.read_bytes()
        key = serialization.load_pem_private_key(pem.removeprefix(DEVELOPMENT_MARK), password=None)
    except (OSError, ValueError, TypeError) as error:
        raise TokenKeyRefused("token_key_unreadable", "The key for tokens can't be read.") from error
    if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
        raise TokenKeyRefused("token_key_wrong", "The key for tokens must be a P-256 private key in PEM.")
    if production and DEVELOPMENT_MARK.strip() in pem:
        raise TokenKeyRefused("token_key_of_development", "Production needs a token key of its own.")
    return key


def _kid(key: ec.EllipticCurvePrivateKey) -> str:
    """Return a name that follows from the key itself, so that every process gives it the same one."""
    public = key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(public).hexdigest()[:32]


def _make_development_key(path: Path) -> None:
    """Make the file whole or not at all, whichever process comes first."""
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    pem = ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    descriptor, made = tempfile.mkstemp(dir=path.parent)
    with os.fdopen(descriptor, "wb") as file:
        file.write(DEVELOPMENT_MARK + pem)
    Path(made).chmod(_OWNER_ONLY)
    with contextlib.suppress(FileExistsError):
        os.link(made, path)
    Path(made).unlink()
