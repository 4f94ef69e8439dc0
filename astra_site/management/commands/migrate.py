"""`manage.py migrate`: Django's, as the owner of the tables; then the wall between the councils is raised."""

from __future__ import annotations

from typing import Any

from django.core.management.commands import migrate
from django.db import DEFAULT_DB_ALIAS
from django.db.backends.base.base import BaseDatabaseWrapper

from astra_site.lib.owner_connection import application_role, in_place_of_the_application, owner_connection
from astra_site.lib.tenancy import all_tenants
from astra_site.lib.tenant_wall import raise_walls


class Command(migrate.Command):
    help = (
        "Updates the database schema as the role of DATABASE_OWNER_URL, puts every tenant-owned table behind its "
        "row-level policy and gives the tables to the role of DATABASE_URL."
    )

    def execute(self, *args: Any, **options: Any) -> Any:
        """Run the command, its checks included, on the owner's connection."""
        if options["database"] != DEFAULT_DB_ALIAS:
            return super().execute(*args, **options)
        role, owner = application_role(), owner_connection()
        try:
            with in_place_of_the_application(owner), all_tenants(reason="migrations change the rows of every tenant"):
                done = super().execute(*args, **options)
                if not (options["plan"] or options["check_unapplied"]):
                    self._raise_walls(owner, role, options["verbosity"])
        finally:
            owner.close()
        return done

    def _raise_walls(self, owner: BaseDatabaseWrapper, role: str, verbosity: int) -> None:
        raised = raise_walls(owner, role)
        if raised and verbosity > 0:
            self.stdout.write(f"Behind their policy now: {', '.join(raised)}")
