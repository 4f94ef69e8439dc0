"""What comes back from a sign-in is believed only if it is this provider's, for this site, this browser, and once."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from astra_site.lib.clock import utc_now
from tenants.rates import stranger_buckets
from tests.browser.people import PASSWORD
from tests.doubles.lying_provider import LyingProvider
from tests.oidc_site import configure
from tests.people import Person
from tests.waiting import until

pytestmark = pytest.mark.django_db
INDEX, LOGIN = "/admin/", "/admin/login/"
CALLBACK = "/oidc/callback/"
SECRET = "only-for-tests-" * 5


@pytest.fixture
def provider(settings: Settings, alice: Person, clean_redis: None) -> Iterator[LyingProvider]:
    stranger_buckets().forget()
    with LyingProvider().running() as running:
        configure(settings, running.issuer)
        settings.OIDC_RP_CLIENT_SECRET = SECRET
        yield running


def begin(provider: LyingProvider, client: Client, query: str = "") -> dict[str, str]:
    """Go to the provider; return what the browser takes there."""
    answer = client.get(reverse("oidc_authentication_init") + query)
    assert answer.status_code == 302, answer.content
    address = urlsplit(answer["Location"])
    assert f"{address.scheme}://{address.netloc}{address.path}" == f"{provider.issuer}/authorize"
    sent = {name: values[0] for name, values in parse_qs(address.query).items()}
    provider.nonce = sent["nonce"]
    return sent


def come_back(provider: LyingProvider, client: Client, **changes: str) -> Any:
    """Sign in there and come back with a code."""
    sent = begin(provider, client)
    return client.get(CALLBACK, {"code": "c", "state": sent["state"], **changes})


def assert_refused(answer: Any, status: int, code: str, client: Client) -> None:
    assert (answer.status_code, answer["Cache-Control"]) == (status, "no-store")
    shown = answer.content.decode()
    assert code in shown
    assert LOGIN in shown
    assert client.get(INDEX).status_code == 302
    assert not User.objects.exclude(password__startswith="pbkdf2").exists()


def test_a_right_answer_lets_in_and_is_bound_to_state_nonce_and_challenge(
    provider: LyingProvider, client: Client
) -> None:
    sent = begin(provider, client)
    assert sent["code_challenge_method"] == "S256"
    assert len(sent["code_challenge"]) == 43
    assert len(sent["state"]) >= 32
    assert len(sent["nonce"]) >= 32
    answer = client.get(CALLBACK, {"code": "c", "state": sent["state"]})
    assert (answer.status_code, answer["Location"]) == (302, INDEX)
    assert client.get(INDEX).status_code == 200
    [form] = [form for path, form in provider.asked if path == "/token"]
    assert 43 <= len(form["code_verifier"]) <= 128
    assert form["redirect_uri"] == f"http://testserver{CALLBACK}"
    assert form["client_secret"] not in str(client.session.items())


def test_an_answer_is_good_once_and_in_its_own_browser(provider: LyingProvider, client: Client) -> None:
    sent = begin(provider, client)
    stranger = Client()
    answer = stranger.get(CALLBACK, {"code": "c", "state": sent["state"]})
    assert_refused(answer, 400, "oidc_state_unknown", stranger)
    assert client.get(CALLBACK, {"code": "c", "state": sent["state"]}).status_code == 302
    again = client.get(CALLBACK, {"code": "c", "state": sent["state"]})
    assert again.status_code == 400
    assert len([1 for path, _ in provider.asked if path == "/token"]) == 1


@pytest.mark.parametrize(
    "query", [{}, {"code": "c"}, {"state": "x"}, {"code": "c", "state": "x" * 5000}, {"state": ""}]
)
def test_an_answer_to_no_question_is_refused(provider: LyingProvider, client: Client, query: dict[str, str]) -> None:
    assert_refused(client.get(CALLBACK, query), 400, "oidc_state_unknown", client)
    begin(provider, client)
    assert_refused(client.get(CALLBACK, query), 400, "oidc_state_unknown", client)


def test_nobody_is_logged_out_by_an_error_that_a_stranger_sends(provider: LyingProvider, client: Client) -> None:
    come_back(provider, client)
    assert client.get(CALLBACK, {"error": "access_denied", "state": "x"}).status_code == 400
    assert client.get(INDEX).status_code == 200


def test_a_person_who_says_no_at_the_provider_reads_so(provider: LyingProvider, client: Client) -> None:
    assert_refused(come_back(provider, client, error="access_denied"), 403, "oidc_refused", client)


LIES: dict[str, dict[str, Any]] = {
    "another issuer": {"iss": "https://evil.example"},
    "no issuer": {"iss": None},
    "another audience": {"aud": "another-site"},
    "no audience": {"aud": None},
    "several audiences without a party": {"aud": ["astra", "another-site"]},
    "for another party": {"aud": ["astra", "another-site"], "azp": "another-site"},
    "another nonce": {"nonce": "x"},
    "no nonce": {"nonce": None},
    "an empty nonce": {"nonce": ""},
    "expired": {"exp": utc_now() - timedelta(hours=1)},
    "without an end": {"exp": None},
    "of the future": {"nbf": utc_now() + timedelta(hours=1)},
    "nobody's": {"sub": None},
}


@pytest.mark.parametrize("lie", LIES.values(), ids=LIES.keys())
def test_a_token_that_is_not_for_this_sign_in_is_refused(
    provider: LyingProvider, client: Client, lie: dict[str, Any]
) -> None:
    provider.claims = lie
    assert_refused(come_back(provider, client), 400, "oidc_token_invalid", client)


FORGERIES: dict[str, Callable[[dict[str, Any]], Any]] = {
    "another key": lambda claims: jwt.encode(
        claims, ec.generate_private_key(ec.SECP256R1()), algorithm="ES256", headers={"kid": "k1"}
    ),
    "an unknown key": lambda claims: jwt.encode(
        claims, ec.generate_private_key(ec.SECP256R1()), algorithm="ES256", headers={"kid": "k2"}
    ),
    "the client's secret": lambda claims: jwt.encode(claims, SECRET, algorithm="HS256", headers={"kid": "k1"}),
    "nothing": lambda claims: jwt.encode(claims, "", algorithm="none", headers={"kid": "k1"}),
    "no token": lambda claims: "x",
    "a number": lambda claims: 7,
    "null": lambda claims: None,
    "nested without end": lambda claims: "W" * 60_000 + ".e30.e30",
}


@pytest.mark.parametrize("forge", FORGERIES.values(), ids=FORGERIES.keys())
def test_a_token_that_the_provider_did_not_sign_is_refused(
    provider: LyingProvider, client: Client, forge: Callable[[dict[str, Any]], Any]
) -> None:
    provider.sign = forge
    assert_refused(come_back(provider, client), 400, "oidc_token_invalid", client)


def test_claims_of_another_person_are_refused(provider: LyingProvider, client: Client) -> None:
    provider.person = {**provider.person, "sub": "somebody-else"}
    assert_refused(come_back(provider, client), 400, "oidc_claims_of_another", client)


@pytest.mark.parametrize("path", ["/token", "/me", "/jwks", "/.well-known/openid-configuration"])
@pytest.mark.parametrize(
    ("status", "body"),
    [(500, {}), (200, b"<html>"), (200, []), (200, b"[" * 50_000), (200, b" " * 3_000_000), (302, {})],
    ids=["error", "page", "list", "nested", "huge", "redirect"],
)
def test_a_provider_that_answers_nonsense_is_a_page_that_says_so(
    provider: LyingProvider, client: Client, path: str, status: int, body: Any
) -> None:
    provider.answers[path] = lambda form: (status, body)
    begun = client.get(reverse("oidc_authentication_init"))
    if begun.status_code == 302:
        provider.nonce = parse_qs(urlsplit(begun["Location"]).query)["nonce"][0]
        state = parse_qs(urlsplit(begun["Location"]).query)["state"][0]
        begun = client.get(CALLBACK, {"code": "c", "state": state})
    code = "identity_keys_unavailable" if path == "/jwks" else "provider_answer_invalid"
    assert_refused(begun, 503, code, client)


@pytest.mark.parametrize("path", ["/token", "/me", "/.well-known/openid-configuration"])
def test_a_provider_that_hangs_is_given_up_soon(
    provider: LyingProvider, client: Client, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tenants.oidc.provider._WITHIN_S", 0.5)
    released = threading.Event()
    provider.answers[path] = lambda form: (200, {"hung": released.wait(20)})
    began_s = time.monotonic()
    try:
        begun = client.get(reverse("oidc_authentication_init"))
        if begun.status_code == 302:
            begun = client.get(CALLBACK, {"code": "c", "state": next(iter(client.session["oidc_states"]))})
        if path == "/me":
            assert begun.status_code == 400, "this sign-in had another nonce"
            begun = come_back(provider, client)
        assert_refused(begun, 503, "provider_unreachable", client)
        assert time.monotonic() - began_s < 5
    finally:
        released.set()


def test_what_is_stored_for_a_sign_in_is_not_kept_for_long(provider: LyingProvider, client: Client) -> None:
    begin(provider, client)
    assert 0 < client.session.get_expiry_age() <= 900
    come_back(provider, client)
    assert client.session.get_expiry_age() > 3600


def test_beginning_sign_ins_without_end_is_answered_429(
    provider: LyingProvider, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tenants.oidc.views._BEGUN_AT_ONCE", 3)
    elsewhere = Client(REMOTE_ADDR="192.0.2.7")

    def is_limited() -> bool:
        answer = client.get(reverse("oidc_authentication_init"))
        stranger_buckets().finish(5)
        return bool(answer.status_code == 429 and "rate_limited" in answer.content.decode())

    until(is_limited, within_s=20)
    begin(provider, elsewhere)


def test_a_code_that_the_provider_does_not_know_is_refused(provider: LyingProvider, client: Client) -> None:
    provider.answers["/token"] = lambda form: (400, {"error": "invalid_grant"})
    assert_refused(come_back(provider, client), 400, "oidc_code_refused", client)


@pytest.mark.parametrize(
    "change",
    [
        {"issuer": "https://evil.example"},
        {"token_endpoint": "http://evil.example/token"},
        {"jwks_uri": "file:///etc/passwd"},
        {"authorization_endpoint": "javascript:alert(1)"},
        {"userinfo_endpoint": 7},
        {"token_endpoint": None},
    ],
)
def test_addresses_that_secrets_must_not_be_sent_to_are_refused(
    provider: LyingProvider, client: Client, change: dict[str, Any]
) -> None:
    provider.metadata |= change
    assert_refused(client.get(reverse("oidc_authentication_init")), 503, "provider_answer_invalid", client)


@pytest.mark.parametrize("wanted", ["https://evil.example/", "//evil.example", "javascript:alert(1)"])
def test_a_sign_in_leads_to_no_other_site(provider: LyingProvider, client: Client, wanted: str) -> None:
    sent = begin(provider, client, f"?next={wanted}")
    assert client.get(CALLBACK, {"code": "c", "state": sent["state"]})["Location"] == INDEX


def test_a_code_beside_a_password_signs_nobody_in(provider: LyingProvider, client: Client) -> None:
    """A stranger's code on the login form would make the victim work in the stranger's account."""
    form = {"username": "luz", "password": "wrong"}
    answer = client.post(f"{LOGIN}?code=c&state=s", form)
    assert answer.status_code == 200
    assert provider.asked == []
    User.objects.create_user("ana", password=PASSWORD, is_staff=True)
    assert client.post(f"{LOGIN}?code=c&state=s", {"username": "ana", "password": PASSWORD}).status_code == 302


def test_without_a_provider_the_addresses_are_not_there(client: Client, alice: Person) -> None:
    for name in ("oidc_authentication_init", "oidc_authentication_callback"):
        assert client.get(reverse(name)).status_code == 404
