"""The signing key of this installation."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from django.conf import settings

from custody.signing import Signer, load_signer


def installation_signer() -> Signer:
    """The signer that the settings name; raises `SigningKeyRefused` where there is none."""
    return _loaded(settings.SIGNING_KEY, settings.SIGNING_KEY_FILE, settings.PRODUCTION)


@lru_cache(maxsize=4)
def _loaded(seed_text: str, key_file: str, production: bool) -> Signer:
    return load_signer(seed_text=seed_text, key_file=Path(key_file), production=production)
