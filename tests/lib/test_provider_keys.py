"""Keys that a provider publishes over HTTP: they change, it is down, it answers nonsense. A real server on loopback."""

from __future__ import annotations

import gzip
import json
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest

from astra_site.lib import jwks
from astra_site.lib.auth_tokens import TokenVerifier
from astra_site.lib.errors import AstraError, Unauthenticated, Unavailable
from astra_site.lib.jwks import ASK_AGAIN_S, FRESH_S, ProviderKeys
from tests.doubles.jwks_server import AUDIENCE, ISSUER, Behaviour, KeyProvider, drip, hang, huge, publish, say
from tests.waiting import until

KEPT_S = 3600.0
PATIENCE_S = 0.5


@dataclass
class Clock:
    """A clock that is moved by hand."""

    now_s: float = 1000.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture(autouse=True)
def _short_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jwks, "FETCH_WITHIN_S", PATIENCE_S)


@pytest.fixture
def provider() -> Iterator[KeyProvider]:
    with KeyProvider().running() as running:
        running.rotate("k1")
        yield running


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def verifier(provider: KeyProvider, clock: Clock) -> TokenVerifier:
    keys = ProviderKeys(provider.url, kept_s=KEPT_S, clock_s=clock)
    return TokenVerifier(keys, issuer=ISSUER, audience=AUDIENCE, algorithms=["RS256", "ES256"])


def code_of(verifier: TokenVerifier, token: str) -> str:
    with pytest.raises((Unauthenticated, Unavailable)) as caught:
        verifier.verify(token)
    assert isinstance(caught.value, AstraError)
    return caught.value.code


def test_keys_are_fetched_once_and_used_while_they_are_fresh(
    provider: KeyProvider, verifier: TokenVerifier, clock: Clock
) -> None:
    for number in range(20):
        assert verifier.verify(provider.token("k1", sub=f"p{number}")).subject == f"p{number}"
    clock.now_s += FRESH_S
    verifier.verify(provider.token("k1", sub="last"))
    assert provider.asked == 1


def test_a_new_key_is_fetched_as_soon_as_a_token_names_it(
    provider: KeyProvider, verifier: TokenVerifier, clock: Clock
) -> None:
    old = provider.token("k1")
    verifier.verify(old)
    provider.rotate("k2")
    clock.now_s += ASK_AGAIN_S
    assert verifier.verify(provider.token("k2")).subject == "alice"
    assert provider.asked == 2
    assert code_of(verifier, old + "") == "token_invalid"


def test_a_key_that_was_withdrawn_is_noticed_when_keys_are_no_longer_fresh(
    provider: KeyProvider, verifier: TokenVerifier, clock: Clock
) -> None:
    old = provider.token("k1")
    verifier.verify(old)
    provider.rotate("k2")
    clock.now_s += FRESH_S + 1
    verifier.verify(old)
    until(lambda: provider.asked == 2, within_s=10)

    def is_refused() -> bool:
        try:
            verifier.verify(old)
        except Unauthenticated as error:
            return error.code == "token_invalid"
        return False

    until(is_refused, within_s=10)


def test_after_a_quiet_night_a_withdrawn_key_is_refused_at_once(
    provider: KeyProvider, verifier: TokenVerifier, clock: Clock
) -> None:
    old = provider.token("k1")
    verifier.verify(old)
    provider.rotate("k2")
    clock.now_s += 2 * FRESH_S + 1
    with pytest.raises(Unauthenticated) as refused:
        verifier.verify(old)
    assert refused.value.code == "token_invalid"


def test_a_flood_of_invented_key_ids_asks_the_provider_once(provider: KeyProvider, verifier: TokenVerifier) -> None:
    verifier.verify(provider.token("k1"))
    for number in range(200):
        provider.keys[f"invented-{number}"] = provider.keys["k1"]
        token = provider.token(f"invented-{number}")
        del provider.keys[f"invented-{number}"]
        assert code_of(verifier, token) == "token_invalid"
    assert provider.asked == 1


@pytest.mark.parametrize(
    "behaviour",
    [
        pytest.param(hang, id="hangs"),
        pytest.param(drip, id="drips"),
        pytest.param(huge, id="is endless"),
        pytest.param(say(b"<html>no</html>"), id="is a page"),
        pytest.param(say(b"[]"), id="is a list"),
        pytest.param(say(b'{"keys": []}'), id="has no keys"),
        pytest.param(say(b'{"keys": [1, null]}'), id="has odd keys"),
        pytest.param(say(b'{"keys": [{"kty": "oct", "k": "c2VjcmV0", "kid": "k1"}]}'), id="has a shared secret"),
        pytest.param(say(b"[" * 100_000), id="is nested without end"),
        pytest.param(say(b"{}", status=500), id="is an error"),
        pytest.param(say(b"", 302, {"Location": "http://127.0.0.1:9/"}), id="is a redirect"),
        pytest.param(say(gzip.compress(b'{"keys": []}'), headers={"Content-Encoding": "gzip"}), id="is packed"),
        pytest.param(say(json.dumps({"keys": [{"kty": "RSA"}] * 5000}).encode()), id="has thousands of keys"),
    ],
)
def test_while_the_provider_misbehaves_its_last_keys_work_for_the_stated_time(
    provider: KeyProvider, verifier: TokenVerifier, clock: Clock, behaviour: Behaviour
) -> None:
    verifier.verify(provider.token("k1"))
    provider.behaviour = behaviour
    for _ in range(3):
        clock.now_s += FRESH_S + ASK_AGAIN_S
        began_s = time.monotonic()
        verifier.verify(provider.token("k1", sub=f"at {clock.now_s}"))
        assert time.monotonic() - began_s < PATIENCE_S, "nobody waits for a refresh"
    until(lambda: provider.asked >= 2, within_s=10)
    clock.now_s = 1000.0 + KEPT_S + 1
    began_s = time.monotonic()
    assert code_of(verifier, provider.token("k1", sub="too late")) == "identity_keys_unavailable"
    assert time.monotonic() - began_s < PATIENCE_S + 3
    provider.behaviour = publish
    clock.now_s += ASK_AGAIN_S
    assert verifier.verify(provider.token("k1", sub="back")).subject == "back"


def test_a_provider_that_is_down_from_the_start_is_an_outage_and_asked_now_and_then(
    provider: KeyProvider, verifier: TokenVerifier, clock: Clock
) -> None:
    provider.behaviour = say(b"{}", status=503)
    for _ in range(10):
        assert code_of(verifier, provider.token("k1")) == "identity_keys_unavailable"
    assert provider.asked == 1
    provider.behaviour = publish
    clock.now_s += ASK_AGAIN_S
    assert verifier.verify(provider.token("k1")).subject == "alice"


def test_a_provider_that_refuses_connections_is_an_outage(provider: KeyProvider, verifier: TokenVerifier) -> None:
    provider.stop()
    assert code_of(verifier, provider.token("k1")) == "identity_keys_unavailable"


def test_callers_at_once_share_one_fetch(provider: KeyProvider, verifier: TokenVerifier) -> None:
    tokens = [provider.token("k1", sub=f"p{number}") for number in range(16)]
    with ThreadPoolExecutor(16) as pool:
        assert {principal.subject for principal in pool.map(verifier.verify, tokens)} == {f"p{n}" for n in range(16)}
    assert provider.asked == 1


def test_invented_key_ids_before_a_provider_that_hangs_hold_few_threads(
    provider: KeyProvider, verifier: TokenVerifier, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jwks, "FETCH_WITHIN_S", 6.0)
    good = provider.token("k1")
    verifier.verify(good)
    provider.behaviour = hang
    clock.now_s += ASK_AGAIN_S
    provider.keys["invented"] = provider.keys["k1"]
    invented = [provider.token("invented", sub=f"p{number}") for number in range(12)]
    answered: list[str] = []
    threads = [
        threading.Thread(target=lambda token=token: answered.append(code_of(verifier, token))) for token in invented
    ]
    for thread in threads:
        thread.start()
    until(lambda: len(answered) >= 8, within_s=5)
    began_s = time.monotonic()
    verifier.verify(provider.token("k1", sub="bob"))
    assert time.monotonic() - began_s < 1
    for thread in threads:
        thread.join(20)
    assert set(answered) == {"identity_keys_unavailable"}
