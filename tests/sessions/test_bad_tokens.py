"""A token that is not right opens nothing, on any address, and says why in a problem JSON."""

from __future__ import annotations

import base64
import hmac
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from django.conf import settings
from jwt.algorithms import ECAlgorithm
from rest_framework.test import APIClient

from astra_site.lib.clock import utc_now
from tenants.dev_tokens import KEY_ID, ensure_dev_keys
from tests.people import Person, client_for, client_with
from tests.sessions.minutes_client import BASE, START, Minutes, world
from tests.sessions.problems import assert_problem

pytestmark = pytest.mark.django_db


def signing_key() -> ec.EllipticCurvePrivateKey:
    folder = ensure_dev_keys(settings.DATA_DIR / "keys").parent
    key = serialization.load_pem_private_key((folder / "dev_jwt_key.pem").read_bytes(), password=None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    return key


def claims_of(person: Person, **changes: Any) -> dict[str, Any]:
    """The claims of a good token with changes; a change to None leaves the claim out."""
    now = utc_now()
    good = {
        "iss": settings.JWT_ISSUER,
        "aud": settings.JWT_AUDIENCE,
        "sub": person.name,
        "tenant_id": str(person.tenant_id),
        "scope": "sessions:read sessions:write",
        "iat": now,
        "exp": now + timedelta(hours=1),
    }
    return {name: value for name, value in {**good, **changes}.items() if value is not None}


def signed(person: Person, *, key: Any = None, kid: str | None = KEY_ID, **changes: Any) -> str:
    headers = {"kid": kid} if kid else {}
    return jwt.encode(claims_of(person, **changes), key or signing_key(), algorithm="ES256", headers=headers)


def unsigned(person: Person) -> str:
    return jwt.encode(claims_of(person), "", algorithm="none", headers={"kid": KEY_ID})


def signed_with_the_public_key(person: Person) -> str:
    """An HMAC with the published key as its secret; PyJWT refuses to make one, so it is made by hand."""
    public = signing_key().public_key()
    pem = public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    claims = claims_of(person, iat=None, exp=4_000_000_000)
    header = {"alg": "HS256", "typ": "JWT", "kid": KEY_ID}
    parts = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=") for part in (header, claims)]
    message = b".".join(parts)
    signature = base64.urlsafe_b64encode(hmac.digest(pem, message, "sha256")).rstrip(b"=")
    return (message + b"." + signature).decode()


def signed_elsewhere(person: Person, **headers: Any) -> str:
    """Signed with a key of one's own, with a header that says where to find it."""
    return jwt.encode(claims_of(person), MY_KEY, algorithm="ES256", headers={"kid": KEY_ID, **headers})


def altered(person: Person) -> str:
    head, _, signature = signed(person).split(".")
    claims = claims_of(person, iat=None, exp=4_000_000_000, sub="somebody-else")
    body = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()
    return f"{head}.{body}.{signature}"


MY_KEY = ec.generate_private_key(ec.SECP256R1())
MINE = {**ECAlgorithm.to_jwk(MY_KEY.public_key(), as_dict=True), "kid": KEY_ID}
PAST = utc_now() - timedelta(hours=1)
BAD_TOKENS: dict[str, tuple[Callable[[Person], str], int, str]] = {
    "expired": (lambda person: signed(person, exp=PAST), 401, "token_expired"),
    "not yet valid": (lambda person: signed(person, nbf=utc_now() + timedelta(hours=1)), 401, "token_invalid"),
    "another audience": (lambda person: signed(person, aud="another-api"), 401, "token_wrong_audience"),
    "another issuer": (lambda person: signed(person, iss="https://evil.invalid"), 401, "token_wrong_issuer"),
    "without expiry": (lambda person: signed(person, exp=None), 401, "token_invalid"),
    "without audience": (lambda person: signed(person, aud=None), 401, "token_invalid"),
    "without subject": (lambda person: signed(person, sub=None), 401, "token_invalid"),
    "alg none": (unsigned, 401, "token_invalid"),
    "HS256 with the public key": (signed_with_the_public_key, 401, "token_invalid"),
    "altered claims": (altered, 401, "token_invalid"),
    "unknown kid": (lambda person: signed(person, kid="other"), 401, "token_invalid"),
    "no kid": (lambda person: signed(person, kid=None), 401, "token_invalid"),
    "a kid that is a path": (lambda person: signed(person, kid="../../../../dev/null"), 401, "token_invalid"),
    "a kid that is an address": (lambda person: signed(person, kid="http://127.0.0.1:9/jwks"), 401, "token_invalid"),
    "jku": (lambda person: signed_elsewhere(person, jku="http://127.0.0.1:9/jwks"), 401, "token_invalid"),
    "x5u": (lambda person: signed_elsewhere(person, x5u="http://127.0.0.1:9/cert"), 401, "token_invalid"),
    "its own key in the header": (lambda person: signed_elsewhere(person, jwk=MINE), 401, "token_invalid"),
    "another key under a known kid": (
        lambda person: signed(person, key=ec.generate_private_key(ec.SECP256R1())),
        401,
        "token_invalid",
    ),
    "without tenant": (lambda person: signed(person, tenant_id=None), 403, "token_without_tenant"),
    "tenant that is no id": (lambda person: signed(person, tenant_id="quibdo"), 403, "token_without_tenant"),
    "unknown tenant": (
        lambda person: signed(person, tenant_id="01960000-0000-7000-8000-000000000000"),
        403,
        "tenant_inactive",
    ),
    "no token at all": (lambda person: "nonsense", 401, "token_invalid"),
    "three empty parts": (lambda person: "..", 401, "token_invalid"),
    "characters that are no ASCII": (lambda person: "ñ.ñ.ñ", 401, "token_invalid"),
}


def test_a_bad_token_changes_nothing(alice: Person, subtests: pytest.Subtests) -> None:
    minutes = Minutes.start(alice)
    before = world(alice.tenant_id)
    for name, (make, status, code) in BAD_TOKENS.items():
        with subtests.test(name):
            stranger = client_with(make(alice))
            said = stranger.post(minutes.url("append"), {"sequence_id": 1, "text": "Se abre la sesión."}, format="json")
            started = stranger.post(f"{BASE}/session/start", START, format="json")
            for answer in (said, started, stranger.get(minutes.url())):
                assert_problem(answer, status, code)
                assert ("WWW-Authenticate" in answer) == (status == 401)
            assert world(alice.tenant_id) == before


def test_no_bearer_token_is_no_access(alice: Person, subtests: pytest.Subtests) -> None:
    minutes = Minutes.start(alice)
    for header in (None, "", "Bearer", "Bearer a b", "Basic YWxpY2U6c2VjcmV0", "Token abc"):
        with subtests.test(header=header):
            stranger = APIClient()
            if header is not None:
                stranger.credentials(HTTP_AUTHORIZATION=header)
            answer = stranger.get(minutes.url())
            assert_problem(answer, 401, "token_missing" if not header else "token_invalid")
            assert answer["WWW-Authenticate"].startswith("Bearer")


def test_the_tokens_of_a_council_that_is_switched_off_are_refused(alice: Person) -> None:
    minutes = Minutes.start(alice)
    type(alice.council).objects.filter(pk=alice.tenant_id).update(is_active=False)
    assert_problem(minutes.say(1, "Se abre la sesión."), 403, "tenant_inactive")
    assert minutes.kinds() == []


WRONG_SCOPES = [
    ("sessions:read", "post", "append"),
    ("sessions:read", "post", "chunk"),
    ("sessions:read", "patch", "current-context"),
    ("sessions:read", "post", "upload-asset"),
    ("sessions:read", "post", "recording"),
    ("sessions:read", "post", "finalize"),
    ("sessions:write", "get", ""),
    ("sessions:write", "get", "blocks"),
    ("sessions:write", "get", "audit-report"),
]


def test_a_token_does_what_its_scopes_say(alice: Person, subtests: pytest.Subtests) -> None:
    minutes = Minutes.start(alice)
    for scope, method, verb in WRONG_SCOPES:
        with subtests.test(scope=scope, verb=verb):
            limited = client_for(alice, scope, "jobs:read", "jobs:write")
            assert_problem(getattr(limited, method)(minutes.url(verb)), 403, "scope_missing")


def test_posting_a_job_wants_its_scope(alice: Person) -> None:
    limited = client_for(alice, "jobs:read", "sessions:write", "sessions:read")
    assert_problem(limited.post(f"{BASE}/jobs", {}, format="json"), 403, "scope_missing")
