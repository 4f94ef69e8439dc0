"""`.env.example` and `docker-compose.yml` against the code: nothing unlisted, nothing stale, no secrets inside."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from jobs.runtime.queue import QUEUES

ROOT = Path(__file__).resolve().parent.parent
READERS = {"text", "flag", "integer", "names", "number"}
LISTED = re.compile(r"^#?([A-Z][A-Z0-9_]+)=(.*)$", re.MULTILINE)
IN_COMPOSE = re.compile(r"\$\{([A-Z0-9_]+)(:[-?][^}]*)?\}")
IN_ENTRYPOINT = re.compile(r"\$\{([A-Z][A-Z0-9_]*):-")
OWN_SERVICES = {"prepare", "web", "grpc", "realtime-worker", "batch-worker", "sweeper"}
FOREIGN_SERVICES = {"postgres", "redis", "objects", "qdrant"}


def variables_read_by_settings() -> Iterator[str]:
    """Names in calls such as `env.text("NAME", …)`."""
    for node in ast.walk(ast.parse((ROOT / "astra_site" / "settings.py").read_text())):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr in READERS
            and isinstance(node.func.value, ast.Name)
            and node.func.value.id == "env"
            and isinstance(node.args[0], ast.Constant)
        ):
            yield str(node.args[0].value)


@pytest.fixture(scope="module")
def listed() -> dict[str, str]:
    return dict(LISTED.findall((ROOT / ".env.example").read_text()))


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    return loaded


def test_every_variable_is_listed_and_every_listed_one_is_read(listed: dict[str, str]) -> None:
    in_settings = set(variables_read_by_settings())
    in_compose = {name for name, _ in IN_COMPOSE.findall((ROOT / "docker-compose.yml").read_text())}
    in_entrypoint = set(IN_ENTRYPOINT.findall((ROOT / "infra/docker/entrypoint").read_text()))
    assert len(in_settings) > 20
    assert set(listed) == in_settings | in_compose | in_entrypoint


def test_the_example_holds_no_secret(listed: dict[str, str]) -> None:
    secrets = {name: value for name, value in listed.items() if re.search(r"SECRET|PASSWORD|_KEY$", name)}
    assert secrets
    assert set(secrets.values()) == {""}


def test_compose_has_every_component_and_each_is_watched(compose: dict[str, Any]) -> None:
    services = compose["services"]
    assert set(services) == OWN_SERVICES | FOREIGN_SERVICES
    assert {name for name, service in services.items() if "healthcheck" not in service} == {"prepare"}
    assert all(service["healthcheck"]["test"] for name, service in services.items() if name != "prepare")


def test_compose_pins_its_images_and_keeps_its_data(compose: dict[str, Any]) -> None:
    for name in FOREIGN_SERVICES:
        service = compose["services"][name]
        assert re.search(r":.*\d", service["image"]), name
        kept = [volume.split(":")[0] for volume in service["volumes"]]
        assert set(kept) & set(compose["volumes"]), name


def test_compose_writes_no_secret_and_demands_each(compose: dict[str, Any]) -> None:
    text = (ROOT / "docker-compose.yml").read_text()
    for name, default in IN_COMPOSE.findall(text):
        if re.search(r"SECRET|PASSWORD|_KEY$", name):
            assert default.startswith(":?"), f"{name} must not have a default"
    for service in compose["services"].values():
        for name, value in service.get("environment", {}).items():
            if re.search(r"SECRET|PASSWORD|KEY", name):
                assert value == "" or str(value).startswith("${"), name


def test_compose_opens_ports_on_loopback_only_unless_told(compose: dict[str, Any]) -> None:
    published = [port for service in compose["services"].values() for port in service.get("ports", [])]
    assert published
    assert all(re.match(r"\$\{[A-Z0-9_]+:-127\.0\.0\.1:", port) for port in published)


def test_our_containers_run_the_image_without_rights_after_the_preparation(compose: dict[str, Any]) -> None:
    for name in OWN_SERVICES:
        service = compose["services"][name]
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        if name != "prepare":
            assert service["depends_on"]["prepare"] == {"condition": "service_completed_successfully"}
    dockerfile = (ROOT / "infra/docker/Dockerfile").read_text()
    assert re.search(r"^USER astra$", dockerfile, re.MULTILINE)
    assert "--require-hashes" in dockerfile


def test_the_image_holds_what_it_copies_and_workers_serve_every_queue(compose: dict[str, Any]) -> None:
    dockerfile = (ROOT / "infra/docker/Dockerfile").read_text()
    for source in re.findall(r"^COPY (?!--from)(\S+)", dockerfile, re.MULTILINE):
        assert (ROOT / source).exists(), source
    served = {name: compose["services"][name]["command"][2:] for name in ("realtime-worker", "batch-worker")}
    assert sorted(QUEUES) == sorted(served["realtime-worker"] + served["batch-worker"])
    assert served["batch-worker"] == ["batch"], "minutes must not wait behind hours of recordings"
    guides = "".join((ROOT / "docs/guides" / name).read_text() for name in ("operating.md", "jobs.md"))
    for queues in served.values():
        assert guides.count(f"rundramatiq --queues {' '.join(queues)}") == 2, "the guides name another split"
