"""Tokens of a real provider (npm's oidc-provider): taken, also after a change of its keys, and while it is down."""

from __future__ import annotations

import json
from pathlib import Path
from urllib.parse import urlsplit
from uuid import UUID

import httpx
import jwt
import pytest

from astra_site.lib import jwks
from astra_site.lib.auth_tokens import TokenVerifier
from astra_site.lib.errors import Unauthenticated
from astra_site.lib.jwks import ProviderKeys
from tests.oidc_site import CLIENT_SECRET, Provider, provider_for

TENANT = UUID(int=7)
SITE = "http://127.0.0.1:1"


def token_of(provider: Provider) -> str:
    """A token by client credentials, as a program of the council's own provider gets it."""
    form = {"grant_type": "client_credentials", "scope": "sessions:write"}
    answer = httpx.post(f"{provider.issuer}/token", data=form, auth=("recorder", CLIENT_SECRET), timeout=20)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["access_token"])


def test_tokens_of_a_real_provider_through_a_change_of_keys_and_an_outage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jwks, "ASK_AGAIN_S", 0.0)
    (tmp_path / "people.json").write_text(json.dumps({"recorder": {"tenant_id": str(TENANT)}}))
    with provider_for(SITE, tmp_path, kid="first") as provider:
        verifier = TokenVerifier(
            ProviderKeys(f"{provider.issuer}/jwks", kept_s=3600),
            issuer=provider.issuer,
            audience="astra-api",
            algorithms=["RS256"],
        )
        first = token_of(provider)
        assert jwt.get_unverified_header(first)["typ"] == "at+jwt"
        principal = verifier.verify(first)
        assert (principal.subject, principal.tenant_id) == ("recorder", TENANT)
        assert principal.scopes == {"sessions:write"}
        assert principal.grant is None, "a client of the provider's is none of ours, whatever its token says"
    assert verifier.verify(first).subject == "recorder", "the provider is down, its keys are known"
    port = urlsplit(provider.issuer).port
    assert port is not None
    with provider_for(SITE, tmp_path, kid="second", port=port) as again:
        assert again.issuer == provider.issuer
        second = token_of(again)
        assert jwt.get_unverified_header(second)["kid"] == "second"
        assert verifier.verify(second).subject == "recorder"
        with pytest.raises(Unauthenticated) as caught:
            verifier.verify(first)
        assert caught.value.code == "token_invalid"
