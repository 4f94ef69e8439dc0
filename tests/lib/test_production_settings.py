"""Production starts with its own secrets or not at all. Each case is a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DEADLINE_S = 60


PRINT_HOSTS = "from astra_site import settings; print(settings.ALLOWED_HOSTS)"


def load_settings(program: str = PRINT_HOSTS, **environment: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ASTRA_")}
    return subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env={**kept, "ASTRA_PRODUCTION": "1", "DJANGO_SETTINGS_MODULE": "astra_site.settings", **environment},
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
        check=False,
    )


def good(folder: Path) -> dict[str, str]:
    (folder / "signing_key").write_text("x")
    return {
        "ASTRA_SECRET_KEY": "s" * 60,
        "ASTRA_ALLOWED_HOSTS": "astra.example.org",
        "ASTRA_JWKS_URL": "https://id.example.org/jwks",
        "ASTRA_JWT_ISSUER": "https://id.example.org",
        "ASTRA_SIGNING_KEY_FILE": str(folder / "signing_key"),
        "ASTRA_DATA_DIR": str(folder),
    }


def test_production_refuses_every_development_value(tmp_path: Path, subtests: pytest.Subtests) -> None:
    names = ["ASTRA_SECRET_KEY", "ASTRA_ALLOWED_HOSTS", "ASTRA_JWKS_URL", "ASTRA_JWT_ISSUER", "ASTRA_SIGNING_KEY_FILE"]
    values = good(tmp_path)
    cases = {name: {key: value for key, value in values.items() if key != name} for name in names}
    cases["ASTRA_JWKS_URL over plain HTTP"] = {**values, "ASTRA_JWKS_URL": "http://id.example.org/jwks"}
    oidc = {"ASTRA_OIDC_CLIENT_ID": "astra", "ASTRA_OIDC_CLIENT_SECRET": "x"}
    cases["ASTRA_OIDC_ISSUER over plain HTTP"] = {**values, **oidc, "ASTRA_OIDC_ISSUER": "http://id.example.org"}
    cases["ASTRA_TOKEN_ISSUER that is the provider's"] = {**values, "ASTRA_TOKEN_ISSUER": "https://id.example.org"}
    cases["ASTRA_TOKEN_KEY_FILES that are not there"] = {**values, "ASTRA_TOKEN_KEY_FILES": str(tmp_path / "missing")}
    with ThreadPoolExecutor(2) as pool:
        ended = dict(zip(cases, pool.map(lambda case: load_settings(**case), cases.values()), strict=True))
        complete = load_settings(**values)
    for name, process in ended.items():
        with subtests.test(name):
            assert process.returncode != 0
            assert "Production refuses development values" in process.stderr
            assert name.split()[0] in process.stderr.splitlines()[-1]
    assert (complete.returncode, complete.stdout.strip()) == (0, "['astra.example.org']"), complete.stderr


def test_half_of_an_identity_provider_is_none(tmp_path: Path) -> None:
    ended = load_settings(**good(tmp_path), ASTRA_OIDC_ISSUER="https://id.example.org", ASTRA_OIDC_CLIENT_ID="astra")
    assert ended.returncode != 0
    assert "ASTRA_OIDC_CLIENT_SECRET" in ended.stderr.splitlines()[-1]


@pytest.mark.parametrize(("chosen", "status"), [({}, "404 404"), ({"ASTRA_PUBLIC_DOCS": "1"}, "200 200")])
def test_production_shows_the_apis_description_only_when_told(
    tmp_path: Path, chosen: dict[str, str], status: str
) -> None:
    program = (
        "import django; django.setup(); from django.test import Client; client = Client(); "
        "print(*(client.get(path, headers={'host': 'astra.example.org'}).status_code "
        "for path in ('/docs', '/openapi.json')))"
    )
    ended = load_settings(program, **good(tmp_path), **chosen)
    assert ended.stdout.strip() == status, ended.stderr
