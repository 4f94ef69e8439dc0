"""Print this installation's public signing key, for `astra_verify --trusted-key`."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from custody.export import installation_public_keys


class Command(BaseCommand):
    help = "Print public_keys.json with the key that seals sessions here. Publish it where your readers look."

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(installation_public_keys().decode())
