"""What a token's header can't do: choose the file, the address, the kind of the key that it is checked with."""

from __future__ import annotations

import base64
import hmac
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from astra_site.lib.auth_tokens import TokenVerifier
from astra_site.lib.errors import Unauthenticated
from astra_site.lib.jwks import FileKeys, KeySource, ProviderKeys
from tests.doubles.jwks_server import AUDIENCE, ISSUER, KeyProvider, claims_of, public


@pytest.fixture
def provider() -> Iterator[KeyProvider]:
    with KeyProvider().running() as running:
        running.keys = {
            "ec": ec.generate_private_key(ec.SECP256R1()),
            "rsa": rsa.generate_private_key(65537, 2048),
        }
        yield running


@pytest.fixture(params=["address", "file"])
def verifier(request: pytest.FixtureRequest, provider: KeyProvider, tmp_path: Path) -> TokenVerifier:
    keys: KeySource = ProviderKeys(provider.url, kept_s=3600)
    if request.param == "file":
        (tmp_path / "keys").mkdir()
        (tmp_path / "keys" / "jwks.json").write_text(json.dumps(provider.jwks()))
        keys = FileKeys(tmp_path / "keys" / "jwks.json")
    return TokenVerifier(keys, issuer=ISSUER, audience=AUDIENCE, algorithms=["RS256", "ES256"])


def refused(verifier: TokenVerifier, token: str) -> None:
    with pytest.raises(Unauthenticated) as caught:
        verifier.verify(token)
    assert caught.value.code == "token_invalid"


def raw(header: dict[str, Any], claims: dict[str, Any], secret: bytes) -> str:
    """A token put together by hand, signed with HMAC."""
    parts = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=") for part in (header, claims)]
    message = b".".join(parts)
    signature = hmac.digest(secret, message, "sha256") if secret else b""
    return (message + b"." + base64.urlsafe_b64encode(signature).rstrip(b"=")).decode()


def test_good_tokens_of_both_kinds_are_taken(provider: KeyProvider, verifier: TokenVerifier) -> None:
    for kid, algorithm in (("ec", "ES256"), ("rsa", "RS256")):
        token = jwt.encode(claims_of(), provider.keys[kid], algorithm=algorithm, headers={"kid": kid})
        assert verifier.verify(token).subject == "alice"


@pytest.mark.parametrize(
    "kid",
    [
        "../mine.json",
        "../../../../../../dev/null",
        "/dev/null",
        "file:///dev/null",
        "http://127.0.0.1:9/jwks",
        "ec\x00",
        "ec' OR '1'='1",
        "ec; cat /etc/passwd",
        "",
        "None",
        "k" * 50_000,
    ],
)
def test_a_key_id_is_a_name_and_no_path(
    provider: KeyProvider, verifier: TokenVerifier, tmp_path: Path, kid: str
) -> None:
    mine = ec.generate_private_key(ec.SECP256R1())
    (tmp_path / "mine.json").write_text(json.dumps({"keys": [{**public(mine), "kid": kid}]}))
    refused(verifier, jwt.encode(claims_of(), mine, algorithm="ES256", headers={"kid": kid}))
    empty_secret = raw({"alg": "HS256", "kid": kid}, claims_of(exp=4_000_000_000), b"\x00")
    refused(verifier, empty_secret)


@pytest.mark.parametrize("kid", [7, None, ["ec"], {"ec": 1}, True])
def test_a_key_id_that_is_no_text_is_refused(provider: KeyProvider, verifier: TokenVerifier, kid: object) -> None:
    refused(verifier, raw({"alg": "ES256", "kid": kid}, claims_of(exp=4_000_000_000), b"x"))


def test_an_address_in_the_header_is_not_asked(verifier: TokenVerifier) -> None:
    with KeyProvider().running() as evil:
        evil.rotate("ec")
        for name in ("jku", "x5u"):
            headers = {"kid": "ec", name: evil.url}
            refused(verifier, jwt.encode(claims_of(), evil.keys["ec"], algorithm="ES256", headers=headers))
        assert evil.asked == 0


def test_a_key_in_the_header_is_not_used(verifier: TokenVerifier) -> None:
    mine = ec.generate_private_key(ec.SECP256R1())
    for kid in ("ec", "mine"):
        headers = {"kid": kid, "jwk": {**public(mine), "kid": kid}, "x5c": ["MIIB"]}
        refused(verifier, jwt.encode(claims_of(), mine, algorithm="ES256", headers=headers))


@pytest.mark.parametrize("algorithm", ["HS256", "HS384", "HS512"])
def test_a_public_key_is_no_shared_secret(provider: KeyProvider, verifier: TokenVerifier, algorithm: str) -> None:
    for kid, key in provider.keys.items():
        shown = key.public_key()
        secrets = [
            shown.public_bytes(encoding, serialization.PublicFormat.SubjectPublicKeyInfo)
            for encoding in (serialization.Encoding.PEM, serialization.Encoding.DER)
        ]
        secrets += [secrets[0].strip(), json.dumps(public(key)).encode()]
        for secret in secrets:
            refused(verifier, raw({"alg": algorithm, "kid": kid}, claims_of(exp=4_000_000_000), secret))


@pytest.mark.parametrize("algorithm", ["none", "None", "NONE", "nOnE", "", None, 0, "ES512", "PS256", "EdDSA"])
def test_no_signature_or_another_kind_is_refused(verifier: TokenVerifier, algorithm: object) -> None:
    for secret in (b"", b"x"):
        refused(verifier, raw({"alg": algorithm, "kid": "ec"}, claims_of(exp=4_000_000_000), secret))


def test_a_key_of_one_kind_does_not_check_another(provider: KeyProvider, verifier: TokenVerifier) -> None:
    ec_key, rsa_key = provider.keys["ec"], provider.keys["rsa"]
    refused(verifier, jwt.encode(claims_of(), ec_key, algorithm="ES256", headers={"kid": "rsa"}))
    refused(verifier, jwt.encode(claims_of(), rsa_key, algorithm="RS256", headers={"kid": "ec"}))


def test_a_critical_header_that_nobody_understands_is_refused(provider: KeyProvider, verifier: TokenVerifier) -> None:
    headers = {"kid": "ec", "crit": ["unheard-of"], "unheard-of": True}
    refused(verifier, jwt.encode(claims_of(), provider.keys["ec"], algorithm="ES256", headers=headers))
