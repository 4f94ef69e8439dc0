"""An OpenID provider from npm, started on loopback, and the site configured to sign people in at it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import pytest

ROOT = Path(__file__).parents[1]
NODE = ROOT / "tools" / "node"
CLIENT_ID, CLIENT_SECRET = "astra", "only-for-tests-" * 3
BACKENDS = ["django.contrib.auth.backends.ModelBackend", "tenants.oidc.backend.OidcBackend"]
_READY_WITHIN_S = 30.0


@dataclass
class Provider:
    """A running provider. `people` are its accounts; what is changed with `say` holds from the next sign-in on."""

    issuer: str
    folder: Path
    process: subprocess.Popen[str]
    people: dict[str, dict[str, Any]] = field(default_factory=dict)

    def say(self, login: str, **claims: Any) -> None:
        """Give a person these claims and no others."""
        self.people[login] = claims
        (self.folder / "people.json").write_text(json.dumps(self.people))

    def stop(self) -> None:
        """End it; whoever asks it then finds nobody."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(10)


@contextmanager
def provider_for(site: str, folder: Path, *, kid: str = "k1", port: int = 0) -> Iterator[Provider]:
    """Start the provider for a site's address, with a fresh key of this id, on a free port unless told.

    A missing tool is a failure in CI, and says elsewhere what to install.
    """
    node = shutil.which("node")
    if node is None or not (NODE / "node_modules" / "oidc-provider").is_dir():
        missing = pytest.fail if os.environ.get("CI") else pytest.skip
        missing("There is no OpenID provider: install it with `make tools`.")
    if not (folder / "people.json").exists():
        (folder / "people.json").write_text("{}")
    script = ROOT / "tests" / "doubles" / "oidc_provider.mjs"
    with (folder / "provider.log").open("w") as log:
        process = subprocess.Popen(
            [str(node), str(script), str(folder), site, str(NODE), kid, str(port)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            env={"PATH": os.environ["PATH"], "NODE_NO_WARNINGS": "1"},
        )
        provider = Provider("", folder, process)
        try:
            provider.issuer = json.loads(_first_line(process.stdout))["issuer"]
            yield provider
        finally:
            provider.stop()
            for stream in (process.stdin, process.stdout):
                if stream is not None:
                    stream.close()


def _first_line(stream: IO[str] | None) -> str:
    assert stream is not None
    lines: list[str] = []
    reader = threading.Thread(target=lambda: lines.append(stream.readline()), daemon=True)
    reader.start()
    reader.join(_READY_WITHIN_S)
    assert lines
    assert lines[0], "the provider did not start: see provider.log"
    return lines[0]


def configure(settings: Any, issuer: str) -> None:
    """Have the site sign people in at a provider."""
    settings.OIDC_ISSUER = issuer
    settings.OIDC_RP_CLIENT_ID, settings.OIDC_RP_CLIENT_SECRET = CLIENT_ID, CLIENT_SECRET
    settings.AUTHENTICATION_BACKENDS = BACKENDS
