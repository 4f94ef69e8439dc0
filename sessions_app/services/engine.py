"""Which speech engine a session uses. Clients choose among providers; models and folders are the installation's.

The choice is resolved to one reference (`whisper:large-v3-turbo`) when it is made, and pinned: what an administrator
changes later reaches only later sessions.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePath
from typing import Any

from django.conf import settings

from jobs.transcription.engine import Transcriber
from jobs.transcription.registry import engine_from_config


def pin_engine(model_config: Mapping[str, Any]) -> dict[str, str]:
    """Return `{"provider", "engine"}` for a client's `{"provider": …}`; without one, for the installation's default.

    Raises `UnknownEngine`. No model is loaded yet.
    """
    default: str = settings.DEFAULT_ENGINE
    provider = str(model_config.get("provider") or default.partition(":")[0]).partition(":")[0]
    reference = default if default.partition(":")[0] == provider else provider
    engine = engine_from_config({"engine": reference})
    return {"provider": engine.engine, "engine": reference}


def pinned_engine(pin: Mapping[str, Any]) -> Transcriber:
    """Return the engine that a session or a recording has pinned."""
    return engine_from_config(
        {"engine": pin["engine"], "device": settings.ENGINE_DEVICE, "cpu_threads": settings.ENGINE_THREADS}
    )


def engine_label(pin: Mapping[str, Any]) -> str:
    """Name a pinned engine for people: `whisper:large-v3-turbo`; of a folder, its name alone."""
    provider, _, model = str(pin.get("engine", "")).partition(":")
    return f"{provider}:{PurePath(model).name}" if model else provider
