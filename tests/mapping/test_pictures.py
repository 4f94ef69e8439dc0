"""The skeleton's pages as they look, drawn once by LibreOffice; without it nothing is missing but them."""

from __future__ import annotations

import io
import os
import shutil
from pathlib import Path

import pytest
from PIL import Image

from astra_site.lib.object_store import Bucket, object_store
from astra_site.lib.tenancy import tenant_scope
from tenants.mapping import pictures
from tenants.models import Role
from tenants.services import default_skeleton_version
from tests.browser.people import member, signed_in
from tests.mapping.page import MappingPage
from tests.people import Person

pytestmark = pytest.mark.django_db


@pytest.fixture
def page(alice: Person) -> MappingPage:
    return MappingPage(signed_in(member(alice.council, Role.VIEWER), "en"), alice.council)


@pytest.fixture
def _programs() -> None:
    for program in ("soffice", "pdftoppm"):
        if shutil.which(program) is None:
            missing = pytest.fail if os.environ.get("CI") else pytest.skip
            missing(f"There is no {program}: install it with `make tools`.")


@pytest.mark.usefixtures("_programs")
def test_pages_are_drawn_once(page: MappingPage, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "The pages as they look" in page.text()
    first = page.client.get(page.url("picture", "?page=1"))
    assert first.headers["content-type"] == "image/png"
    assert Image.open(io.BytesIO(first.content)).size[0] > 500
    monkeypatch.setenv("PATH", "")
    again = page.client.get(page.url("picture", "?page=1"))
    assert again.content == first.content
    assert page.client.get(page.url("picture", "?page=7")).status_code == 204


def test_without_the_programs_the_outline_is_there_alone(page: MappingPage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    shown = page.text()
    assert "The pages as they look" not in shown
    assert 'data-place="ZONA_VOTACION"' in shown
    assert page.client.get(page.url("picture")).status_code == 204


def test_a_program_that_fails_is_not_tried_at_every_look(
    page: MappingPage, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    calls = tmp_path / "calls"
    for program in ("soffice", "pdftoppm"):
        (tmp_path / program).write_text(f"#!/bin/sh\necho {program} >> {calls}\nexit 1\n")
        (tmp_path / program).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setattr(pictures, "_failed", set())
    for _ in range(3):
        assert page.client.get(page.url("picture")).status_code == 204
    assert calls.read_text().split() == ["soffice", "pdftoppm"]


def test_a_program_that_hangs_is_ended_with_what_it_started(
    page: MappingPage, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "soffice").write_text("#!/bin/sh\nsleep 300 &\nwait\n")
    (tmp_path / "pdftoppm").write_text("#!/bin/sh\nexit 1\n")
    for program in ("soffice", "pdftoppm"):
        (tmp_path / program).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setattr(pictures, "_failed", set())
    monkeypatch.setattr(pictures, "_TIMEOUT_S", 0.2)
    assert page.client.get(page.url("picture")).status_code == 204
    with tenant_scope(page.council.id):
        version = default_skeleton_version()
    assert list(object_store().iter_keys(Bucket.SKELETONS, version.object_key)) == [version.object_key]


@pytest.mark.parametrize("query", ["?page=0", "?page=-1", "?page=x", "?page=999999999999"])
def test_pages_that_do_not_exist_are_nothing(page: MappingPage, query: str) -> None:
    assert page.client.get(page.url("picture", query)).status_code == 204


def test_an_outsider_gets_no_picture(alice: Person, charlie: Person) -> None:
    outsider = MappingPage(signed_in(member(charlie.council, Role.ADMIN)), alice.council)
    assert outsider.client.get(outsider.url("picture")).status_code == 302
