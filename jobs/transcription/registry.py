"""Engines by name, one instance per configuration and process."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Final

from jobs.transcription import whisper
from jobs.transcription.engine import Transcriber
from jobs.transcription.errors import UnknownEngine
from jobs.transcription.whisper_model import ModelSource

EngineFactory = Callable[[Mapping[str, str]], Transcriber]
"""Makes an engine from its settings; must not load the model yet."""

DEFAULT_ENGINE: Final = "whisper:large-v3-turbo"


def _whisper(settings: Mapping[str, str]) -> Transcriber:
    return whisper.WhisperTranscriber(
        ModelSource(
            reference=settings["model"],
            device=settings.get("device", "auto"),
            compute_type=settings.get("compute_type", "default"),
            cpu_threads=int(settings.get("cpu_threads", "0")),
        )
    )


_FACTORIES: Final[dict[str, EngineFactory]] = {whisper.ENGINE: _whisper}
_DEFAULT_MODELS: Final = {whisper.ENGINE: "large-v3-turbo"}
_instances: Final[dict[tuple[tuple[str, str], ...], Transcriber]] = {}
_instances_lock: Final = threading.Lock()


def engine_names() -> list[str]:
    """Names of the engines that `engine_from_config` knows."""
    return sorted(_FACTORIES)


def engine_from_config(config: Mapping[str, object]) -> Transcriber:
    """The engine that a configuration describes, the same object for the same configuration.

    Args:
        config: `engine` is `<name>` or `<name>:<model>`, e.g. `whisper:large-v3-turbo`, `whisper:micro` or
            `whisper:<folder>`. The other members (`device`, `compute_type`, `cpu_threads`) go to the engine.

    Raises:
        UnknownEngine: no engine of that name. The model itself is not looked for until the first clip.
    """
    settings = {key: str(value) for key, value in config.items() if value is not None and value != ""}
    name, _, model = settings.pop("engine", DEFAULT_ENGINE).partition(":")
    if name not in _FACTORIES:
        raise UnknownEngine(f"There is no engine '{name}'; known: {', '.join(engine_names())}.", engine=name)
    settings["model"] = model or _DEFAULT_MODELS[name]
    key = (("engine", name), *sorted(settings.items()))
    with _instances_lock:
        if key not in _instances:
            _instances[key] = _FACTORIES[name](settings)
        return _instances[key]
