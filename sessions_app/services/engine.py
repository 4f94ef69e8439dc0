"""Which speech engine a session uses. Clients choose among providers; models and folders are the installation's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.conf import settings

from jobs.transcription.engine import Transcriber
from jobs.transcription.registry import engine_from_config


def engine_of(model_config: Mapping[str, Any]) -> Transcriber:
    """Return the engine for `{"provider": …}`; without a provider the installation's default one.

    Raises `UnknownEngine`. The model is not loaded yet.
    """
    default: str = settings.DEFAULT_ENGINE
    provider = str(model_config.get("provider") or default.partition(":")[0]).partition(":")[0]
    reference = default if default.partition(":")[0] == provider else provider
    return engine_from_config(
        {"engine": reference, "device": settings.ENGINE_DEVICE, "cpu_threads": settings.ENGINE_THREADS}
    )
