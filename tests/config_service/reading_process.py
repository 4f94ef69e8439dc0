"""A process that prints the number of a council's newest configuration whenever it has changed."""

from __future__ import annotations

import sys
import threading
from uuid import UUID

import django

django.setup()

from astra_site.lib.tenancy import tenant_scope  # noqa: E402 - Django first
from tenants.config_service.service import config_reader, get_config  # noqa: E402 - Django first

council_id = UUID(sys.argv[1])
last = 0
with tenant_scope(council_id):
    while True:
        number = get_config(council_id).number
        if number != last and config_reader().news.is_in_force:
            last = number
            print(number, flush=True)
        threading.Event().wait(0.01)
