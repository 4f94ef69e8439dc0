"""`manage.py ensure_buckets`: creates what is missing in the object store, with versioning and Object Lock."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from astra_site.lib.object_store import object_store


class Command(BaseCommand):
    """Safe to repeat; changes nothing that is there."""

    help = "Create the missing buckets of the object store."

    def handle(self, *args: Any, **options: Any) -> None:
        """Create them and see that the store answers."""
        store = object_store()
        store.ensure_buckets()
        store.ping()
        self.stdout.write("The object store is ready.")
