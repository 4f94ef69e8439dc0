"""A development identity provider of one file: signs tokens that the real verifier accepts. Refused in production."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from django.conf import settings
from jwt.algorithms import ECAlgorithm

from astra_site.lib.clock import utc_now
from astra_site.lib.errors import Forbidden
from tenants.roles import ALL_SCOPES

__all__ = ["ALL_SCOPES", "KEY_ID", "ensure_dev_keys", "issue_dev_token"]

KEY_ID = "development-1"


def _refuse_in_production() -> None:
    if settings.PRODUCTION:
        raise Forbidden("development_only", "Development tokens are refused in production: use the identity provider.")


def ensure_dev_keys(folder: Path) -> Path:
    """Create the key pair (P-256) and `jwks.json` in the folder if they are missing; return the JWKS path."""
    _refuse_in_production()
    folder.mkdir(parents=True, exist_ok=True)
    private_path, jwks_path = folder / "dev_jwt_key.pem", folder / "jwks.json"
    if not private_path.exists():
        private = ec.generate_private_key(ec.SECP256R1())
        pem = private.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        descriptor = os.open(private_path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(pem)
    if not jwks_path.exists():
        public = _read_private(private_path).public_key()
        jwk = {**ECAlgorithm.to_jwk(public, as_dict=True), "kid": KEY_ID, "use": "sig", "alg": "ES256"}
        jwks_path.write_text(json.dumps({"keys": [jwk]}))
    return jwks_path


def issue_dev_token(tenant_id: UUID, *, subject: str, scopes: Iterable[str] = ALL_SCOPES, ttl_s: int = 3600) -> str:
    """Return an access token for a tenant, signed with the development key."""
    _refuse_in_production()
    folder = settings.DATA_DIR / "keys"
    ensure_dev_keys(folder)
    now = utc_now()
    claims = {
        "iss": settings.JWT_ISSUER,
        "aud": settings.JWT_AUDIENCE,
        "sub": subject,
        "tenant_id": str(tenant_id),
        "scope": " ".join(scopes),
        "iat": now,
        "exp": now + timedelta(seconds=ttl_s),
    }
    return jwt.encode(claims, _read_private(folder / "dev_jwt_key.pem"), algorithm="ES256", headers={"kid": KEY_ID})


def _read_private(path: Path) -> ec.EllipticCurvePrivateKey:
    key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise Forbidden("development_key_wrong", f"{path.name} does not hold a P-256 key; delete it and try again.")
    return key
