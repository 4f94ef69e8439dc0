"""`manage.py make_dev_keys`: a key pair and JWKS for development tokens."""

from __future__ import annotations

import json
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from tenants.dev_tokens import ensure_dev_keys


class Command(BaseCommand):
    """Create the development identity: refused in production."""

    help = "Create the development key pair and its JWKS file (idempotent)."

    def handle(self, *args: Any, **options: Any) -> None:
        """Create the files if they are missing and print where they are."""
        path = ensure_dev_keys(settings.DATA_DIR / "keys")
        self.stdout.write(json.dumps({"jwks": str(path)}))
