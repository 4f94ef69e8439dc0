"""Programs of the product as processes of their own, on the database of the test."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from django.db import connection

ROOT = Path(__file__).resolve().parents[2]


def start_python(*arguments: str, **settings: str) -> subprocess.Popen[str]:
    """Start `python <arguments>` in the repository, in its own process group; `settings` are environment variables.

    What it says on standard error is shown with the test that failed.
    """
    database = connection.settings_dict
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": os.environ.get("DJANGO_SETTINGS_MODULE", "astra_site.settings"),
        "DATABASE_URL": f"postgresql://{database['USER']}@/{database['NAME']}?host={database['HOST']}",
        **settings,
    }
    return subprocess.Popen(
        [sys.executable, *arguments],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
