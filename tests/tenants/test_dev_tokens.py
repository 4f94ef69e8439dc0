"""Development tokens: accepted by the real verifier, refused in production, never wider than asked."""

from __future__ import annotations

import base64
import io
import json
import stat
from datetime import timedelta
from pathlib import Path

import jwt
import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from pytest_django import Settings

from astra_site.lib.auth_tokens import TokenVerifier, token_verifier
from astra_site.lib.clock import utc_now
from astra_site.lib.errors import Forbidden, Unauthenticated, Unavailable
from astra_site.lib.jwks import FileKeys
from tenants.dev_tokens import KEY_ID, ensure_dev_keys
from tests.people import Person, client_with
from tests.sessions.minutes_client import BASE, START

pytestmark = pytest.mark.django_db


def issue(*arguments: str) -> str:
    out = io.StringIO()
    call_command("issue_dev_token", *arguments, stdout=out)
    return out.getvalue().strip()


def test_the_commands_token_starts_a_session(alice: Person) -> None:
    answer = client_with(issue("quibdo")).post(f"{BASE}/session/start", START, format="json")
    assert answer.status_code == 201


def test_the_command_gives_the_scopes_and_lifetime_asked_for(alice: Person) -> None:
    token = issue("quibdo", "--scopes", "sessions:read", "--subject", "reader", "--ttl-s", "60")
    principal = token_verifier().verify(token)
    assert (principal.subject, principal.scopes) == ("reader", frozenset({"sessions:read"}))
    assert principal.tenant_id == alice.tenant_id
    claims = jwt.decode(token, options={"verify_signature": False})
    assert claims["exp"] - claims["iat"] == 60
    still_accepted_s = principal.expires_at.timestamp() - claims["exp"]
    assert 0 <= still_accepted_s <= 10


def test_a_token_of_no_end_is_one_to_the_end_of_the_calendar(alice: Person) -> None:
    token = issue("quibdo", "--ttl-s", "9000000000")
    assert token_verifier().verify(token).expires_at > utc_now() + timedelta(days=100_000)
    far = jwt.encode(
        {**jwt.decode(token, options={"verify_signature": False}), "exp": 10**15},
        (settings.DATA_DIR / "keys" / "dev_jwt_key.pem").read_bytes(),
        algorithm="ES256",
        headers={"kid": KEY_ID},
    )
    assert token_verifier().verify(far).expires_at.year == 9999


def make_keys() -> None:
    call_command("make_dev_keys")


@pytest.mark.parametrize("slug", ["nowhere", ""])
def test_no_token_for_a_council_that_is_not_there(slug: str) -> None:
    with pytest.raises(CommandError):
        issue(slug)


def test_no_token_for_a_council_that_is_switched_off(alice: Person) -> None:
    type(alice.council).objects.update(is_active=False)
    with pytest.raises(CommandError):
        issue("quibdo")


def test_production_refuses_development_tokens_and_keys(alice: Person, settings: Settings, tmp_path: Path) -> None:
    settings.PRODUCTION = True
    settings.DATA_DIR = tmp_path
    for call in (lambda: issue("quibdo"), make_keys, alice.token):
        with pytest.raises(Forbidden) as caught:
            call()
        assert caught.value.code == "development_only"
    assert list(tmp_path.iterdir()) == []


def test_the_private_key_is_the_owners_alone_and_made_once(tmp_path: Path) -> None:
    jwks = ensure_dev_keys(tmp_path / "keys")
    private = tmp_path / "keys" / "dev_jwt_key.pem"
    assert stat.S_IMODE(private.stat().st_mode) == 0o600
    before = (private.read_bytes(), jwks.read_bytes())
    ensure_dev_keys(tmp_path / "keys")
    assert (private.read_bytes(), jwks.read_bytes()) == before
    assert set(json.loads(jwks.read_text())["keys"][0]) == {"kty", "crv", "x", "y", "kid", "use", "alg"}


@pytest.mark.parametrize("algorithm", ["none", "HS256", "HS512", ""])
def test_a_verifier_never_takes_shared_secrets(algorithm: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="never accepted"):
        TokenVerifier(FileKeys(tmp_path / "jwks.json"), issuer="i", audience="a", algorithms=["ES256", algorithm])


def verifier_of(jwks: Path) -> TokenVerifier:
    return TokenVerifier(FileKeys(jwks), issuer=settings.JWT_ISSUER, audience="a", algorithms=["ES256"])


def test_keys_that_can_not_be_read_are_an_outage_and_no_refusal(alice: Person, tmp_path: Path) -> None:
    verifier = verifier_of(tmp_path / "jwks.json")
    with pytest.raises(Unavailable):
        verifier.verify(alice.token())


@pytest.mark.parametrize("content", ["", '{"keys": [', "[]", '{"keys": []}', '{"keys": 5}', "\x00\udcff"])
def test_keys_that_are_written_by_half_are_an_outage_and_no_refusal(
    alice: Person, tmp_path: Path, content: str
) -> None:
    (tmp_path / "jwks.json").write_bytes(content.encode(errors="surrogateescape"))
    verifier = verifier_of(tmp_path / "jwks.json")
    with pytest.raises(Unavailable) as caught:
        verifier.verify(alice.token())
    assert caught.value.code == "identity_keys_unavailable"


def _signed(alice: Person, settings: Settings, **claims: object) -> str:
    """A token like the development ones, with other claims."""
    like = alice.token()
    base = jwt.decode(like, options={"verify_signature": False})
    key = (Path(settings.DATA_DIR) / "keys" / "dev_jwt_key.pem").read_text()
    header = jwt.get_unverified_header(like)
    with_bytes = json.dumps({**base, **claims}).encode()
    return jwt.api_jws.encode(with_bytes, key, algorithm=header["alg"], headers=header)


@pytest.mark.parametrize(
    "claims",
    [
        *({"sub": sub} for sub in ("x" * 201, "", "a\x00b", "a\nb", 7, None, ["a"])),
        *({"scope": scope} for scope in (None, 5, {"a": 1}, [1], True)),
    ],
)
def test_claims_that_can_not_be_kept_are_refused(alice: Person, settings: Settings, claims: dict[str, object]) -> None:
    answer = client_with(_signed(alice, settings, **claims)).post(f"{BASE}/session/start", START, format="json")
    assert (answer.status_code, answer.json()["code"]) == (401, "token_invalid")


def test_scopes_may_come_as_a_list(alice: Person, settings: Settings) -> None:
    token = _signed(alice, settings, scope=["sessions:read"], sub="x" * 200)
    assert token_verifier().verify(token).scopes == frozenset({"sessions:read"})


def test_a_header_nested_without_end_is_refused(alice: Person) -> None:
    header = base64.urlsafe_b64encode(b"[" * 60_000).rstrip(b"=").decode()
    with pytest.raises(Unauthenticated):
        token_verifier().verify(f"{header}.e30.e30")


def test_new_keys_in_the_file_are_seen_without_a_restart(alice: Person, settings: Settings, tmp_path: Path) -> None:
    settings.DATA_DIR = tmp_path
    token = alice.token()
    keys = FileKeys(tmp_path / "keys" / "jwks.json")
    verifier = TokenVerifier(
        keys, issuer=settings.JWT_ISSUER, audience=settings.JWT_AUDIENCE, algorithms=settings.JWT_ALGORITHMS
    )
    assert verifier.verify(token).subject == "alice"
    (tmp_path / "keys" / "jwks.json").write_text('{"keys": ' + json.dumps(_other_keys(tmp_path)) + "}")
    with pytest.raises(Unauthenticated) as caught:
        verifier.verify(token)
    assert caught.value.code == "token_invalid"


def _other_keys(tmp_path: Path) -> list[dict[str, str]]:
    other = json.loads(ensure_dev_keys(tmp_path / "other").read_text())["keys"]
    found: list[dict[str, str]] = [{**key, "kid": "development-2"} for key in other]
    return found
