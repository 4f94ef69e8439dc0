"""What all processes share in Redis: which content a version has, contents, and who is loading one.

Nothing in it is believed. A content is kept under its own hash and compared with it; a pointer names its tenant. What
does not fit counts as missing, and is written over by whoever loads it from PostgreSQL.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from time import monotonic, sleep
from typing import Any, Final
from uuid import UUID

from redis.exceptions import ResponseError

from astra_site.lib.errors import Unavailable
from astra_site.lib.quick_redis import QuickRedis
from tenants.config_service.config import Config, Pointer

CHANNEL: Final = "astra:config:published"
"""Every published version is announced here, as the text form of its pointer."""
POINTER_TTL_S: Final = 30
CONTENT_TTL_S: Final = 24 * 3600
_LOADING_TTL_MS: Final = 2_000
_LOOK_AGAIN_S: Final = 0.02

# A later number is never written over by an earlier one: whoever was slow to load can't undo a publication.
_KEEP: Final = """
local held = redis.pcall('GET', KEYS[1])
local number = type(held) == 'string' and tonumber(string.match(held, '^%S+ (%d+) ')) or 0
if ARGV[5] == '' or number <= tonumber(ARGV[5]) then
    redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2])
end
redis.call('SET', KEYS[2], ARGV[3], 'EX', ARGV[4])
if ARGV[6] ~= '' then redis.call('PUBLISH', ARGV[6], ARGV[1]) end
"""
_DELETE_IF_STILL: Final = "if redis.pcall('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end"


class Claim(Enum):
    """Why a load has no token."""

    TAKEN = "another process loads it"
    UNASKED = "Redis does not answer"


@dataclass(frozen=True, slots=True)
class SharedCache:
    """One tenant's part, asked until a deadline (monotonic, s). A silent Redis is an empty one: nothing here raises."""

    redis: QuickRedis
    tenant_id: UUID
    deadline_s: float

    def pointer(self, version: int | None) -> Pointer | None:
        """Return what a number, or None for the newest, points to."""
        text = self._ask(lambda client: client.get(self._pointer_key(version)))
        pointer = Pointer.parse(text.decode("ascii", errors="replace")) if isinstance(text, bytes) else None
        if pointer is None or pointer.tenant_id != self.tenant_id:
            return None
        return pointer if version in (None, pointer.number) else None

    def content(self, pointer: Pointer) -> Config | None:
        """Return the version with its content, if that is here and whole."""
        body = self._ask(lambda client: client.get(self._content_key(pointer)))
        return Config.checked(pointer, body) if isinstance(body, bytes) else None

    def keep(self, config: Config, *, version: int | None) -> None:
        """Write what was loaded for a number, or for None as the newest, unless a later newest is here."""
        self._write(config, version, "")

    def announce(self, config: Config) -> bool:
        """Write a version as the newest and tell every process; False when Redis does not answer."""
        return self._write(config, None, CHANNEL)

    def drop(self, version: int | None, pointer: Pointer) -> None:
        """Take a pointer away that leads nowhere, unless another one is there by now."""
        self._ask(lambda client: client.eval(_DELETE_IF_STILL, 1, self._pointer_key(version), str(pointer)))

    def claim(self, version: int | None) -> str | Claim:
        """Return a token for whoever may load; it holds for two seconds."""
        token = secrets.token_hex(8)
        key = self._loading_key(version)
        answer = self._ask(lambda client: client.set(key, token, nx=True, px=_LOADING_TTL_MS) or b"")
        if answer is None:
            return Claim.UNASKED
        return token if answer else Claim.TAKEN

    def let_go(self, version: int | None, token: str) -> None:
        """End a claim."""
        self._ask(lambda client: client.eval(_DELETE_IF_STILL, 1, self._loading_key(version), token))

    def wait_for(self, found: Callable[[], Config | None]) -> Config | None:
        """Look again and again for what another process loads; None at the deadline."""
        while monotonic() + _LOOK_AGAIN_S < self.deadline_s:
            sleep(_LOOK_AGAIN_S)
            config = found()
            if config is not None:
                return config
        return None

    def _write(self, config: Config, version: int | None, channel: str) -> bool:
        pointer = config.pointer
        keys = (self._pointer_key(version), self._content_key(pointer))
        ttl_s = POINTER_TTL_S if version is None else CONTENT_TTL_S
        newest = pointer.number if version is None else ""
        values = (str(pointer), ttl_s, config.body, CONTENT_TTL_S, newest, channel)
        return self._ask(lambda client: client.eval(_KEEP, 2, *keys, *values) or b"") is not None

    def _ask(self, work: Callable[[Any], Any]) -> Any:
        """Return what Redis answers; None for no answer, a late one, and a key of another kind than ours."""
        if monotonic() >= self.deadline_s:
            return None
        try:
            return self.redis.call(work)
        except (Unavailable, ResponseError):
            return None

    def _pointer_key(self, version: int | None) -> str:
        return self._key("newest" if version is None else f"version:{version}")

    def _content_key(self, pointer: Pointer) -> str:
        return self._key(f"content:{pointer.sha256.hex}")

    def _loading_key(self, version: int | None) -> str:
        return self._key("loading:newest" if version is None else f"loading:{version}")

    def _key(self, name: str) -> str:
        return f"{{config:{self.tenant_id}}}:{name}"
