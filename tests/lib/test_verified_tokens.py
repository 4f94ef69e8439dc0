"""A token that was verified a moment ago is not verified again, and nothing that ends it is missed for long."""

from __future__ import annotations

import json
import threading
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from jwt import PyJWK
from jwt.algorithms import ECAlgorithm

from astra_site.lib.auth_tokens import Principal, TokenVerifier, VerifiedTokens
from astra_site.lib.clock import utc_now
from astra_site.lib.errors import Unauthenticated
from astra_site.lib.jwks import FileKeys

LEEWAY_S = 10


@dataclass
class Provider:
    """An identity provider with one key in a file; counts how often the key was asked for."""

    path: Path
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    asked: int = 0

    def __post_init__(self) -> None:
        self.publish("k1")
        self._keys = FileKeys(self.path)
        self.verifier = TokenVerifier(self, issuer="https://i.invalid", audience="api", algorithms=["ES256"])

    def publish(self, *key_ids: str) -> None:
        public: dict[str, Any] = json.loads(ECAlgorithm.to_jwk(self.key.public_key()))
        self.path.write_text(json.dumps({"keys": [{**public, "kid": kid, "alg": "ES256"} for kid in key_ids]}))

    def get_signing_key_from_jwt(self, token: str) -> PyJWK:
        self.asked += 1
        return self._keys.get_signing_key_from_jwt(token)

    def token(self, lives_s: float = 3600, **claims: Any) -> str:
        said = {"iss": "https://i.invalid", "aud": "api", "sub": "alice", "tenant_id": str(UUID(int=7)), "scope": "a b"}
        expires = utc_now() + timedelta(seconds=lives_s)
        return jwt.encode({**said, "exp": expires, **claims}, self.key, algorithm="ES256", headers={"kid": "k1"})


@pytest.fixture
def provider(tmp_path: Path) -> Provider:
    return Provider(tmp_path / "jwks.json")


def test_a_token_that_was_verified_is_recalled_without_its_key(provider: Provider) -> None:
    token = provider.token()
    assert provider.verifier.recall(token) is None
    first = provider.verifier.verify(token)
    assert provider.verifier.recall(token) == first
    assert (first.subject, first.tenant_id, first.scopes) == ("alice", UUID(int=7), frozenset("ab"))
    assert provider.asked == 1
    provider.verifier.verify(provider.token(sub="bob"))
    assert provider.asked == 2


def test_a_token_that_was_refused_is_not_remembered(provider: Provider) -> None:
    for token in ("", "nonsense", provider.token(aud="another"), provider.token() + "x", "\udcff"):
        for _ in range(2):
            with pytest.raises(Unauthenticated):
                provider.verifier.verify(token)
        assert provider.verifier.recall(token) is None


def test_a_remembered_token_ends_with_its_expiry(provider: Provider) -> None:
    token = provider.token(lives_s=2 - LEEWAY_S)
    assert provider.verifier.verify(token) == provider.verifier.recall(token)
    deadline_s = time.monotonic() + 20
    while provider.verifier.recall(token) is not None:
        assert time.monotonic() < deadline_s
        threading.Event().wait(0.02)
    with pytest.raises(Unauthenticated) as caught:
        provider.verifier.verify(token)
    assert caught.value.code == "token_expired"


def principal(expires_s: float) -> Principal:
    return Principal("alice", UUID(int=7), frozenset(), datetime.fromtimestamp(expires_s, UTC))


def test_nothing_is_remembered_for_longer_than_a_minute() -> None:
    tokens = VerifiedTokens()
    tokens.remember("long", principal(10_000), now_s=1000)
    tokens.remember("short", principal(1030), now_s=1000)
    assert tokens.principal_of("long", 1059) is not None
    assert tokens.principal_of("long", 1060) is None
    assert tokens.principal_of("short", 1029) is not None
    assert tokens.principal_of("short", 1030) is None
    assert tokens.principal_of("other", 1000) is None


def test_a_flood_of_tokens_pushes_the_oldest_out() -> None:
    tokens = VerifiedTokens()
    for number in range(5000):
        tokens.remember(str(number), principal(10_000), now_s=1000)
    known = [number for number in range(5000) if tokens.principal_of(str(number), 1000)]
    assert known == list(range(5000 - 4096, 5000))


def test_a_withdrawn_key_ends_its_tokens_within_the_minute(provider: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    token = provider.token()
    provider.verifier.verify(token)
    provider.publish("k2")
    with pytest.raises(Unauthenticated):
        provider.verifier.verify(token)
    later_s = time.time() + 61
    monkeypatch.setattr(time, "time", lambda: later_s)
    assert provider.verifier.recall(token) is None
