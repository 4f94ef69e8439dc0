"""The token endpoint: what RFC 6749 sections 4.4 and 5 say, and when a token stops being one."""

from __future__ import annotations

import base64
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from django.conf import settings as django_settings
from django.db import DatabaseError, transaction
from pytest_django import Settings

from astra_site.lib import api_clients
from astra_site.lib.auth_tokens import TokenVerifier, TrustedIssuer, token_verifier
from astra_site.lib.clock import utc_now
from astra_site.lib.errors import NotFound, Unauthenticated
from astra_site.lib.jwks import FileKeys
from astra_site.lib.own_tokens import ALGORITHM, DEVELOPMENT_MARK, OwnKeys, TokenKeyRefused, own_keys
from astra_site.lib.tenancy import tenant_scope
from tenants.api_clients.services import change_client, renew_secret, restore, revoke
from tenants.models import ApiClient, ApiClientEvent
from tenants.rates import stranger_buckets
from tests.people import Person, client_with
from tests.sessions.minutes_client import Minutes
from tests.sessions.problems import assert_problem
from tests.tenants.api_client import TOKEN, Program, ask, basic, start
from tests.waiting import until

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _fresh(clean_redis: None) -> None:
    stranger_buckets().forget()


@pytest.fixture
def program(alice: Person) -> Program:
    return Program(alice)


def assert_refused(answer: Any, status: int, error: str) -> None:
    assert (answer.status_code, answer.json()["error"]) == (status, error), answer.content
    assert answer.json()["error_description"]
    assert (answer["Cache-Control"], answer["Pragma"]) == ("no-store", "no-cache")
    assert ("WWW-Authenticate" in answer) == (status == 401)


def events(client: ApiClient) -> list[str]:
    with tenant_scope(client.tenant_id):
        return [str(event.kind) for event in ApiClientEvent.objects.filter(client=client).order_by("recorded_at", "id")]


def test_a_client_gets_a_token_and_works_with_it(program: Program, alice: Person) -> None:
    answer = program.ask()
    said = answer.json()
    assert (said["token_type"], said["expires_in"], said["scope"]) == ("Bearer", 900, "sessions:read sessions:write")
    assert (answer["Cache-Control"], answer["Pragma"]) == ("no-store", "no-cache")
    started = start(said["access_token"])
    assert started.status_code == 201
    minutes = Minutes(client_with(said["access_token"]), started.json()["session_id"])
    assert minutes.say(1, "Se abre la sesión.").status_code == 202
    assert minutes.journal()[0].actor == str(program.client.pk)
    assert minutes.row().tenant_id == alice.tenant_id
    assert program.row().last_used_at is not None
    header = jwt.get_unverified_header(said["access_token"])
    assert (header["typ"], header["alg"]) == ("at+jwt", "ES256")


def test_it_gets_fewer_scopes_if_it_asks_for_fewer(program: Program) -> None:
    token = program.token(scope="sessions:read")
    assert token_verifier().verify(token).scopes == {"sessions:read"}
    assert_problem(start(token), 403, "scope_missing")
    assert_refused(program.ask(scope="sessions:read sessions:admin"), 400, "invalid_scope")
    assert_refused(program.ask(scope="unheard:of"), 400, "invalid_scope")


def test_who_is_not_let_in_learns_nothing_of_why(program: Program, alice: Person, charlie: Person) -> None:
    theirs = Program(charlie)
    client_id = str(program.client.pk)
    wrong = [
        basic(client_id, "x"),
        basic(client_id, ""),
        basic(client_id, theirs.secret),
        basic(client_id, str(program.client.secret_hash)),
        basic("01960000-0000-7000-8000-000000000000", program.secret),
        basic("nobody", program.secret),
        basic("a\x00b", "a\x00b"),
        basic("ñ", "ñ" * 2000),
        "Basic",
        "Basic !!!",
        "Basic " + base64.b64encode(b"no colon").decode(),
        "Basic " + base64.b64encode(b"\xff\xfe:x").decode(),
        f"Bearer {alice.token()}",
        "",
    ]
    answers = [ask({"Authorization": header}) for header in wrong]
    answers.append(ask({}))
    for answer in answers:
        assert_refused(answer, 401, "invalid_client")
    assert len({answer.content for answer in answers}) == 1
    assert events(program.client) == ["created"]


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ("", "invalid_request"),
        ("grant_type=", "invalid_request"),
        ("grant_type=password&username=a&password=b", "unsupported_grant_type"),
        ("grant_type=authorization_code&code=x", "unsupported_grant_type"),
        ("grant_type=client_credentials&grant_type=client_credentials", "invalid_request"),
        ("grant_type=client_credentials&scope=a&scope=b", "invalid_request"),
        ("grant_type=client_credentials&client_secret=x", "invalid_request"),
        ("grant_type=client_credentials&client_id=other", "invalid_request"),
        ("grant_type=client_credentials&scope=%00", "invalid_scope"),
    ],
)
def test_a_malformed_request_is_named_as_the_rfc_names_it(program: Program, body: str, error: str) -> None:
    answer = ask({"Authorization": basic(str(program.client.pk), program.secret)}, body=body)
    assert_refused(answer, 400, error)


def test_json_is_no_form_and_get_is_no_request(program: Program) -> None:
    caller = client_with("x")
    caller.credentials(HTTP_AUTHORIZATION=basic(str(program.client.pk), program.secret))
    assert caller.post(TOKEN, {"grant_type": "client_credentials"}, format="json").status_code == 415
    assert caller.get(TOKEN).status_code == 405


def test_a_revoked_client_is_out_with_its_live_tokens(program: Program) -> None:
    token = program.token()
    assert start(token).status_code == 201
    revoke(program.client, actor="admin:ana")
    assert_problem(start(token), 401, "client_revoked")
    assert_refused(program.ask(), 401, "invalid_client")
    restore(program.client, actor="admin:ana")
    assert_problem(start(token), 401, "client_revoked")
    assert start(program.token()).status_code == 201
    assert events(program.client) == ["created", "token", "revoked", "restored", "token"]


def test_another_process_believes_what_it_heard_for_seconds_only(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = program.token()
    assert start(token).status_code == 201
    with tenant_scope(program.client.tenant_id):
        ApiClient.objects.filter(pk=program.client.pk).update(is_active=False)
    assert start(token).status_code == 201
    later_s = time.monotonic() + api_clients.BELIEVED_S
    monkeypatch.setattr("astra_site.lib.api_clients.monotonic", lambda: later_s)
    assert_problem(start(token), 401, "client_revoked")


def test_a_plain_append_of_a_revoked_client_is_refused_too(program: Program) -> None:
    token = program.token()
    minutes = Minutes(client_with(token), start(token).json()["session_id"])
    assert minutes.say(1, "Se abre la sesión.").status_code == 202
    revoke(program.client, actor="admin:ana")
    assert_problem(minutes.say(2, "Se levanta la sesión."), 401, "client_revoked")
    assert minutes.kinds().count("text") == 1


def test_a_new_secret_ends_the_old_one_and_its_tokens(program: Program) -> None:
    token, old = program.token(), program.secret
    program.secret = renew_secret(program.client, actor="admin:ana")
    assert_refused(program.ask(secret=old), 401, "invalid_client")
    assert_problem(start(token), 401, "client_revoked")
    assert start(program.token()).status_code == 201


def test_fewer_permissions_end_the_tokens_that_have_more(program: Program) -> None:
    token = program.token()
    change_client(program.client, name="Otra", scopes=["sessions:read"], expires_at=None, actor="admin:ana")
    assert_problem(start(token), 401, "client_revoked")
    assert token_verifier().verify(program.token()).scopes == {"sessions:read"}
    after = program.token()
    change_client(program.client, name="Lectora", scopes=["sessions:read"], expires_at=None, actor="admin:ana")
    api_clients.forget_grants(program.client.pk)
    assert api_clients.holds(grant_of(after))


def grant_of(token: str) -> api_clients.ClientGrant:
    found = token_verifier().verify(token).grant
    assert found is not None
    return found


def test_an_expired_client_gets_nothing_and_its_tokens_end_with_it(alice: Person) -> None:
    ends_at = utc_now() + timedelta(seconds=60)
    program = Program(alice, expires_at=ends_at)
    answer = program.ask().json()
    assert answer["expires_in"] <= 60
    change_client(program.client, name="x", scopes=program.client.scopes, expires_at=utc_now(), actor="test")
    assert_refused(program.ask(), 401, "invalid_client")
    assert_problem(start(answer["access_token"]), 401, "client_revoked")


def test_a_council_that_is_switched_off_gets_no_tokens(program: Program, alice: Person) -> None:
    token = program.token()
    type(alice.council).objects.filter(pk=alice.tenant_id).update(is_active=False)
    assert_refused(program.ask(), 401, "invalid_client")
    assert_problem(start(token), 403, "tenant_inactive")


def test_the_secret_is_kept_nowhere(program: Program) -> None:
    row = program.row()
    assert program.secret.startswith("astra_")
    assert program.secret not in str({name: getattr(row, name) for name in row.__dict__})
    with tenant_scope(row.tenant_id):
        assert program.secret not in str(list(ApiClientEvent.objects.values()))


def test_the_history_says_who_what_and_from_where_and_can_not_be_changed(program: Program) -> None:
    program.token()
    with tenant_scope(program.client.tenant_id):
        issued = ApiClientEvent.objects.filter(client=program.client, kind="token").get()
        assert issued.actor == "client:Grabadora"
        assert (issued.details["address"], issued.details["scopes"]) == (
            "127.0.0.1",
            ["sessions:read", "sessions:write"],
        )
        for change in (
            lambda: ApiClientEvent.objects.filter(pk=issued.pk).update(actor="x"),
            issued.delete,
        ):
            with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
                change()


def test_asking_without_end_is_answered_429(program: Program, alice: Person, settings: Settings) -> None:
    settings.TOKEN_RATE_BURST = 3
    other = Program(alice, name="Otra")

    def is_limited() -> bool:
        answer = program.ask()
        stranger_buckets().finish(5)
        if answer.status_code == 429:
            assert_problem(answer, 429, "rate_limited")
            assert int(answer["Retry-After"]) >= 1
        return bool(answer.status_code == 429)

    until(is_limited, within_s=20)
    assert other.ask().status_code == 200


# -- Keys --------------------------------------------------------------------------------------------------------------
def pem_of(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def key_file(folder: Path, name: str, content: bytes | None = None) -> Path:
    path = folder / name
    path.write_bytes(content if content is not None else pem_of(ec.generate_private_key(ec.SECP256R1())))
    return path


def verifier_with(keys: OwnKeys) -> TokenVerifier:
    return TokenVerifier(
        FileKeys(django_settings.DATA_DIR / "keys" / "jwks.json"),
        issuer=django_settings.JWT_ISSUER,
        audience=django_settings.JWT_AUDIENCE,
        algorithms=["ES256"],
        own=TrustedIssuer(django_settings.TOKEN_ISSUER, keys, (ALGORITHM,), is_own=True),
    )


def claims_of(program: Program) -> dict[str, Any]:
    return jwt.decode(program.token(), options={"verify_signature": False})


def test_keys_are_changed_in_order(program: Program, tmp_path: Path) -> None:
    claims = claims_of(program)
    old, new = key_file(tmp_path, "old.pem"), key_file(tmp_path, "new.pem")
    before, between, after = (OwnKeys(paths, production=True) for paths in ([old], [new, old], [new]))
    token = before.sign(claims)
    for keys in (before, between):
        assert verifier_with(keys).verify(token).grant is not None
    with pytest.raises(Unauthenticated):
        verifier_with(after).verify(token)
    assert verifier_with(after).verify(between.sign(claims)).grant is not None


def test_production_takes_no_development_key_wherever_it_lies(program: Program, tmp_path: Path) -> None:
    program.token()
    made = django_settings.DATA_DIR / "keys" / "dev_client_token_key.pem"
    copied = key_file(tmp_path, "production.pem", made.read_bytes())
    assert copied.read_bytes().startswith(DEVELOPMENT_MARK)
    assert made.stat().st_mode & 0o077 == 0
    with pytest.raises(TokenKeyRefused) as caught:
        OwnKeys([copied], production=True).sign({})
    assert caught.value.code == "token_key_of_development"


@pytest.mark.parametrize("content", [b"", b"x", pem_of(rsa.generate_private_key(65537, 2048))])
def test_a_key_of_another_kind_is_refused(tmp_path: Path, content: bytes) -> None:
    for path in (key_file(tmp_path, "key.pem", content), tmp_path / "missing.pem"):
        with pytest.raises(TokenKeyRefused):
            OwnKeys([path], production=False).sign({})


def test_production_without_a_key_issues_nothing(program: Program, settings: Settings) -> None:
    settings.PRODUCTION, settings.TOKEN_KEY_FILES = True, []
    with pytest.raises(NotFound):
        own_keys().sign({})
    assert_problem(program.ask(), 404, "token_endpoint_off")


def test_neither_issuer_can_make_the_others_tokens(program: Program, alice: Person, tmp_path: Path) -> None:
    keys = tmp_path / "key.pem"
    key_file(tmp_path, "key.pem")
    own = OwnKeys([keys], production=True)
    verifier = verifier_with(own)
    person = jwt.decode(alice.token(), options={"verify_signature": False})
    with pytest.raises(Unauthenticated) as caught:
        verifier.verify(own.sign(person))
    assert caught.value.code == "token_invalid"
    private = (django_settings.DATA_DIR / "keys" / "dev_jwt_key.pem").read_text()
    forged = jwt.encode(claims_of(program), private, algorithm="ES256", headers={"kid": "development-1"})
    with pytest.raises(Unauthenticated) as caught:
        token_verifier().verify(forged)
    assert caught.value.code == "token_invalid"
    for missing in ("client_id", "gen"):
        claims = {name: value for name, value in claims_of(program).items() if name != missing}
        with pytest.raises(Unauthenticated):
            verifier.verify(own.sign(claims))


def test_two_issuers_of_one_name_are_a_mistake(tmp_path: Path) -> None:
    keys = OwnKeys([], production=True)
    with pytest.raises(ValueError, match="another issuer"):
        TokenVerifier(
            keys,
            issuer="x",
            audience="a",
            algorithms=["ES256"],
            own=TrustedIssuer("x", keys, (ALGORITHM,), is_own=True),
        )
