"""Where the public keys come from that tokens are checked with: a provider's address, or a file (JWKS, RFC 7517).

Nothing in a token says where its key is: its `kid` is a name that is looked up among keys at hand, and `jku`, `x5u` and
`jwk` are not read.
"""

from __future__ import annotations

import contextlib
import json
import logging
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from pathlib import Path
from time import monotonic
from typing import Any, Final, Protocol

import jwt
from jwt import PyJWK, PyJWKSet
from jwt.exceptions import PyJWKSetError

from astra_site.lib.bounded_http import fetch_json
from astra_site.lib.errors import Unavailable

logger = logging.getLogger(__name__)

FRESH_S: Final = 300.0
"""How long keys are used without asking for them again."""
ASK_AGAIN_S: Final = 5.0
"""The provider is asked at most so often, however many unknown keys are named and whether it answers or not."""
FETCH_WITHIN_S: Final = 5.0
MAX_BYTES: Final = 256 * 1024
_MOST_KEYS: Final = 100
_MOST_WAITING: Final = 4
_PUBLIC_TYPES: Final = frozenset({"RSA", "EC", "OKP"})
_UNREADABLE: Final = (OSError, ValueError, TypeError, AttributeError, KeyError, PyJWKSetError)
"""What reading keys raises when they are not there, half-written, or no JWKS at all."""


class KeySource(Protocol):
    """Where an issuer's public keys come from."""

    def get_signing_key_from_jwt(self, token: str) -> PyJWK:
        """Return the key that the token's header names; raise `PyJWKClientError` for none, `Unavailable` unknowing."""
        ...


def keys_of(jwks: Mapping[str, Any]) -> dict[str, PyJWK]:
    """Return the public signature keys of a JWKS by their ids. Raises for what is no JWKS or has no such key."""
    listed = jwks["keys"]
    if not isinstance(listed, list) or len(listed) > _MOST_KEYS:
        raise ValueError("A JWKS has a list of keys, not an endless one.")
    usable = [key for key in listed if key.get("kty") in _PUBLIC_TYPES and key.get("use", "sig") == "sig"]
    found = {str(key.key_id): key for key in PyJWKSet.from_dict({"keys": usable}).keys if key.key_id}
    if not found:
        raise ValueError("A JWKS has keys that can be named.")
    return found


def kid_of(token: str) -> str:
    """Return the id of the key that a token says it is signed with; raise `PyJWTError` for a header that is none."""
    return str(jwt.get_unverified_header(token).get("kid"))


class FileKeys:
    """Keys from a JWKS file, read again when the file changes (development, air-gapped sites)."""

    def __init__(self, path: Path) -> None:
        """Remember the path; nothing is read yet."""
        self._path = path
        self._read_at_mtime_ns = -1
        self._keys: Mapping[str, PyJWK] = {}

    def get_signing_key_from_jwt(self, token: str) -> PyJWK:
        """Return the key whose id stands in the token's header; raise `PyJWKClientError` for none."""
        try:
            mtime_ns = self._path.stat().st_mtime_ns
            if mtime_ns != self._read_at_mtime_ns:
                self._keys = keys_of(json.loads(self._path.read_text()))
                self._read_at_mtime_ns = mtime_ns
        except _UNREADABLE as error:
            raise Unavailable("identity_keys_unavailable", "The identity provider's keys can't be read.") from error
        return _named(self._keys, kid_of(token))


class ProviderKeys:
    """Keys from a provider's address, kept for when it is down. Safe to share between threads.

    - Keys are fresh for `FRESH_S`. Then they are fetched anew behind the callers' backs. Where nobody has asked for
      twice as long, callers wait for it: a key may have been withdrawn meanwhile.
    - While the provider is down, or answers with what is no JWKS, its last keys are used for `kept_s`.
    - A key id that is unknown has them fetched, because the provider may have changed its keys. This, like every
      fetch, is tried once in `ASK_AGAIN_S` at most. Few callers wait for it, so that a flood of invented key ids before
      a provider that hangs can't take all threads.

    Args:
        url: where the JWKS is.
        kept_s: how long keys are used after they were last read.
        clock_s: a clock that never goes back.
    """

    def __init__(self, url: str, *, kept_s: float, clock_s: Callable[[], float] = monotonic) -> None:
        """Remember the address; nothing is fetched yet."""
        self._url, self._kept_s, self._clock_s = url, kept_s, clock_s
        self._keys: Mapping[str, PyJWK] = {}
        self._read_at_s = self._asked_at_s = float("-inf")
        self._failed: Unavailable | None = None
        self._fetching: Future[None] | None = None
        self._lock = threading.Lock()
        self._waiting = threading.BoundedSemaphore(_MOST_WAITING)

    def get_signing_key_from_jwt(self, token: str) -> PyJWK:
        """Return the key whose id stands in the token's header.

        Raises `PyJWKClientError` for one that the provider does not publish, and `Unavailable`
        (`identity_keys_unavailable`) when that can't be told because it does not answer.
        """
        kid = kid_of(token)
        keys = self._usable()
        if kid in keys:
            before, asked_at_s = self._fetching, self._asked_at_s
            fetching = self._fetch() if self._clock_s() - self._read_at_s > FRESH_S else None
            if (
                fetching is not None and fetching is not before and self._clock_s() - asked_at_s > 2 * FRESH_S
            ):  # long enough for a key to be withdrawn
                keys = self._once_fetched(fetching)
            return _named(keys, kid)
        self._wait(keys)
        keys = self._usable()
        if kid not in keys and self._failed is not None:
            raise Unavailable(
                "identity_keys_unavailable",
                "The identity provider does not answer with its keys.",
                details={"retry_after_s": int(ASK_AGAIN_S)},
            ) from self._failed
        return _named(keys, kid)

    def _once_fetched(self, fetching: Future[None]) -> Mapping[str, PyJWK]:
        """Return the keys after a fetch, or those at hand where too many wait for it already or it takes too long."""
        if self._waiting.acquire(blocking=False):
            try:
                with contextlib.suppress(TimeoutError):
                    fetching.result(FETCH_WITHIN_S * 2)
            finally:
                self._waiting.release()
        return self._usable()

    def _usable(self) -> Mapping[str, PyJWK]:
        return self._keys if self._clock_s() - self._read_at_s <= self._kept_s else {}

    def _wait(self, keys: Mapping[str, PyJWK]) -> None:
        """Wait for a fetch, if there is one; without any key at hand, everybody does."""
        fetching = self._fetch()
        if fetching is None or fetching.done():
            return
        if not keys:
            fetching.result(FETCH_WITHIN_S * 2)
        elif self._waiting.acquire(blocking=False):
            try:
                fetching.result(FETCH_WITHIN_S * 2)
            finally:
                self._waiting.release()
        else:
            raise Unavailable(
                "identity_keys_unavailable",
                "The identity provider is being asked for new keys: try again in a moment.",
                details={"retry_after_s": 1},
            )

    def _fetch(self) -> Future[None] | None:
        """Return the fetch that is on its way, or a new one; None when it is too early for another."""
        with self._lock:
            if self._fetching is not None and not self._fetching.done():
                return self._fetching
            if self._clock_s() - self._asked_at_s < ASK_AGAIN_S:
                return None
            self._asked_at_s = self._clock_s()
            fetching: Future[None] = Future()
            threading.Thread(target=self._read, args=(fetching,), name="jwks", daemon=True).start()
            self._fetching = fetching
            return fetching

    def _read(self, fetching: Future[None]) -> None:
        try:
            self._keys = keys_of(fetch_json(self._url, deadline_s=FETCH_WITHIN_S, max_bytes=MAX_BYTES))
            self._read_at_s, self._failed = self._clock_s(), None
        except Unavailable as error:
            self._fail(error)
        except (*_UNREADABLE, RecursionError) as error:
            self._fail(Unavailable("identity_keys_unavailable", f"This is no JWKS ({type(error).__name__})."))
        finally:
            fetching.set_result(None)

    def _fail(self, error: Unavailable) -> None:
        self._failed = error
        logger.warning("The identity provider's keys can't be read anew: %s", error.message)


def _named(keys: Mapping[str, PyJWK], kid: str) -> PyJWK:
    if kid not in keys:
        raise jwt.PyJWKClientError("The token names a key that the provider does not publish.")
    return keys[kid]
