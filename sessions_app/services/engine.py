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
from tenants.registry.services import ModelPin


def pin_engine(model_config: Mapping[str, Any], registered: ModelPin | None) -> dict[str, Any]:
    """Return what a session pins: for a client's `{"provider": …}` that engine, with the model that the council has
    activated for it, else the installation's; without a provider, what the council has activated.

    `engine` is the reference that loads it, `adapter` CORE's adapter and `revision` the activation, 0 where there is
    none. Raises `UnknownEngine`. No model is loaded yet.
    """
    default: str = f"{registered.engine}:{registered.model}" if registered else settings.DEFAULT_ENGINE
    reference = _reference(model_config, default, settings.DEFAULT_ENGINE)
    engine = engine_from_config({"engine": reference})
    return {
        "provider": engine.engine,
        "engine": reference,
        "model": _model_of(reference),
        "adapter": registered.adapter if registered else "",
        "adapter_sha256": registered.adapter_sha256 if registered else "",
        "revision": registered.revision if registered else 0,
    }


def pin_engine_of_recording(model_config: Mapping[str, Any], pin: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a recording pins in a session that has pinned an engine; a client may name another provider.

    Raises `UnknownEngine`.
    """
    if not model_config:
        return dict(pin)
    reference = _reference(model_config, pin["engine"], settings.DEFAULT_ENGINE)
    engine = engine_from_config({"engine": reference})
    return {**pin, "provider": engine.engine, "engine": reference, "model": _model_of(reference)}


def _reference(model_config: Mapping[str, Any], *defaults: str) -> str:
    """Return the first of the engines that is of the provider that the client names; the provider's own default else.

    A client names providers only: models and folders are the installation's.
    """
    provider = str(model_config.get("provider") or defaults[0]).partition(":")[0]
    return next((reference for reference in defaults if reference.partition(":")[0] == provider), provider)


def _model_of(reference: str) -> str:
    return reference.partition(":")[2]


def pinned_engine(pin: Mapping[str, Any]) -> Transcriber:
    """Return the engine that a session or a recording has pinned."""
    return engine_from_config(
        {"engine": pin["engine"], "device": settings.ENGINE_DEVICE, "cpu_threads": settings.ENGINE_THREADS}
    )


def engine_label(pin: Mapping[str, Any]) -> str:
    """Name a pinned engine for people: `whisper:large-v3-turbo`; of a folder, its name alone."""
    provider, _, model = str(pin.get("engine", "")).partition(":")
    return f"{provider}:{PurePath(model).name}" if model else provider
