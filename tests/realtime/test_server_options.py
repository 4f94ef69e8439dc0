"""The limits that the application can't set by itself are set wherever the server is started."""

from __future__ import annotations

import re
from pathlib import Path

from django.conf import settings

from astra_site.web_server import UVICORN

ENTRYPOINT = Path(__file__).parents[2] / "infra" / "docker" / "entrypoint"


def test_the_container_starts_the_server_as_the_demonstration_does() -> None:
    web = ENTRYPOINT.read_text().split("web)", 1)[1].split(";;", 1)[0]
    given = dict(re.findall(r'(--ws-[a-z-]+|--lifespan) +("[^"]+"|\S+)', web))
    wanted = {UVICORN[i]: UVICORN[i + 1] for i in range(len(UVICORN) - 1) if UVICORN[i].startswith(("--ws", "--lif"))}
    largest = re.fullmatch(r'"\$\(\(\$\{ASTRA_MAX_CHUNK_BYTES:-(\d+)\} \+ (\d+)\)\)"', given.pop("--ws-max-size"))
    assert largest is not None
    assert int(largest[1]) == settings.MAX_CHUNK_BYTES
    assert int(wanted.pop("--ws-max-size")) == int(largest[1]) + int(largest[2])
    assert given == wanted
