"""The mapping page as a signed-in person uses it without a script."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from django.test import Client
from django.urls import reverse

from tenants.models import Tenant


@dataclass(frozen=True)
class MappingPage:
    """The page of one council for one person."""

    client: Client
    council: Tenant

    def url(self, name: str = "change", query: str = "") -> str:
        """An address of the page."""
        return reverse(f"admin:tenants_mappedcouncil_{name}", args=[self.council.pk]) + query

    def text(self, query: str = "", name: str = "change") -> str:
        """What the page holds."""
        answer = self.client.get(self.url(name, query))
        assert answer.status_code == 200, answer
        return answer.content.decode()

    def revision(self) -> int:
        """The revision of the draft that the page shows."""
        found = re.search(r'name="revision" type="hidden" value="(\d+)"', self.text())
        assert found
        return int(found[1])

    def post(self, name: str, *, revision: int | None = None, script: bool = False, **fields: Any) -> Any:
        """Send a form; with `script` as htmx sends it."""
        seen = self.revision() if revision is None else revision
        headers = {"hx-request": "true"} if script else {}
        return self.client.post(self.url(name), {"revision": seen, **fields}, headers=headers)

    def edit(self, operation: str, **fields: Any) -> Any:
        """Send an edit as the script does."""
        return self.post("edit", script=True, operation=operation, **fields)
