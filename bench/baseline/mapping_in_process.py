"""The mapping page with many templates beside the same page with few, in one process. Run by `bench.mapping`."""

from __future__ import annotations

import statistics
import sys
import time
from typing import Any

import django

django.setup()

from django.contrib.auth.models import User  # noqa: E402 - needs django.setup
from django.db import connection  # noqa: E402 - needs django.setup
from django.test import Client  # noqa: E402 - needs django.setup
from django.test.utils import CaptureQueriesContext  # noqa: E402 - needs django.setup
from django.urls import reverse  # noqa: E402 - needs django.setup

from astra_site.lib.tenancy import tenant_scope  # noqa: E402 - needs django.setup
from tenants.config.drafts import edit_draft, read_draft  # noqa: E402 - needs django.setup
from tenants.config.sightings import Seen, record_sightings  # noqa: E402 - needs django.setup
from tenants.models import Tenant  # noqa: E402 - needs django.setup

_TEMPLATES = 300
_ROUNDS = 20
_PLACES = ("ZONA_VARIOS", "ZONA_DEBATE")


class Page:
    """The page of a council as platform staff see it."""

    def __init__(self, council: Tenant) -> None:
        """Sign in."""
        self.council = council
        self.client = Client()
        self.client.force_login(User.objects.create_superuser("bench"))

    def address(self, name: str) -> str:
        """Return an address of the page."""
        return reverse(f"admin:tenants_mappedcouncil_{name}", args=[self.council.pk])

    def load(self) -> tuple[float, int, int]:
        """Return ms, queries and bytes of the whole page."""
        with CaptureQueriesContext(connection) as queries:
            started = time.perf_counter()
            answer = self.client.get(self.address("change"))
            took_ms = (time.perf_counter() - started) * 1000
        if answer.status_code != 200:
            raise SystemExit(f"the page answers {answer.status_code}")
        return took_ms, len(queries), len(answer.content)

    def map_one(self, number: int) -> float:
        """Map a template as the script does; return ms."""
        with tenant_scope(self.council.pk):
            revision = read_draft().revision
        edit = {"operation": "map_template", "template_id": "TPL_DEBATE", "place": _PLACES[number % 2]}
        started = time.perf_counter()
        answer = self.client.post(self.address("edit"), {"revision": revision, **edit}, headers={"hx-request": "true"})
        took_ms = (time.perf_counter() - started) * 1000
        if b'role="alert"' in answer.content:
            raise SystemExit("the edit was refused")
        return took_ms

    def show(self, content: dict[str, Any]) -> None:
        """Make a content the draft."""
        with tenant_scope(self.council.pk):
            edit_draft("replace_all", {"content": content}, revision=read_draft().revision, actor="bench")


def main() -> None:
    """Alternate few and many, and print one line per figure."""
    page = Page(Tenant.objects.get(slug=sys.argv[1]))
    with tenant_scope(page.council.pk):
        few = read_draft().content
    more = {f"TPL_N{number}": {"label": f"Plantilla {number}"} for number in range(_TEMPLATES - len(few["templates"]))}
    many = {**few, "templates": {**few["templates"], **more}}
    record_sightings(page.council.pk, [Seen(name, "DEBATE", name, f"Dicho de {name}") for name in few["templates"]])
    loads: dict[str, list[tuple[float, int, int]]] = {"8": [], "300": []}
    edits: dict[str, list[float]] = {"8": [], "300": []}
    for turn in range(_ROUNDS):
        for name, content in (("8", few), ("300", many)):
            page.show(content)
            page.load()
            loads[name].append(page.load())
            edits[name].append(page.map_one(turn))
    load_ms = {name: statistics.median(one[0] for one in measured) for name, measured in loads.items()}
    edit_ms = {name: statistics.median(measured) for name, measured in edits.items()}
    print(f"RESULT mapping_page_300_templates {load_ms['300']:.0f} ms aim < 500")
    print(f"RESULT mapping_page_8_templates {load_ms['8']:.0f} ms aim < 200")
    print(f"RESULT mapping_page_size_300_templates {loads['300'][-1][2] / 1000:.0f} kB aim < 800")
    print(f"RESULT mapping_page_queries_300_more_than_8 {loads['300'][-1][1] - loads['8'][-1][1]} queries aim <= 0")
    print(f"RESULT mapping_edit_300_templates {edit_ms['300']:.0f} ms aim < 300")
    print(f"RESULT mapping_edit_8_templates {edit_ms['8']:.0f} ms aim < 200")


if __name__ == "__main__":
    main()
