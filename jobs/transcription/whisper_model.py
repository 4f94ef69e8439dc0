"""Finding and loading a Whisper model: the bundled micro model, a local folder, or a name on the model hub."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from jobs.transcription.errors import EngineUnavailable

if TYPE_CHECKING:
    from faster_whisper import WhisperModel

MICRO_MODEL_DIR: Final = Path(__file__).parent / "models" / "micro-whisper-es"
"""The small Spanish model that the project trains itself, for the demo and the tests."""

WHISPER_WINDOW_S: Final = 30.0
"""Whisper hears at most this much at once, by construction."""

_CARD_FILE: Final = "astra_engine.json"
_NEEDED_FILES: Final = ("model.bin", "config.json", "tokenizer.json")
_WHAT_TO_DO: Final = (
    "Set ASTRA_ENGINE to 'whisper:' and the folder of a CTranslate2 Whisper model, to 'whisper:micro' for the bundled "
    "small model, or give this machine access to the model hub."
)


@dataclass(frozen=True, slots=True)
class ModelSource:
    """What to load and where: `reference` is `micro`, a folder, or a model name such as `large-v3-turbo`.

    `device` and `compute_type` are CTranslate2's; `cpu_threads` 0 leaves the choice to it.
    """

    reference: str
    device: str = "auto"
    compute_type: str = "default"
    cpu_threads: int = 0

    @property
    def folder(self) -> Path | None:
        """The local folder that holds the model; None when the model comes from the hub."""
        if self.reference == "micro":
            return MICRO_MODEL_DIR
        path = Path(self.reference).expanduser()
        looks_like_path = path.is_absolute() or self.reference.startswith((".", "~")) or path.is_dir()
        return path if looks_like_path else None


@dataclass(frozen=True, slots=True)
class ModelCard:
    """What a model says about itself in `astra_engine.json` beside it; the defaults are those of a full Whisper."""

    name: str
    max_clip_s: float = WHISPER_WINDOW_S
    accepts_prompt: bool = True
    languages: tuple[str, ...] | None = None


def read_card(source: ModelSource) -> ModelCard:
    """Read the model's card without loading the model.

    Raises:
        EngineUnavailable: the card is there but can't be read.
    """
    folder = source.folder
    if folder is None:
        return ModelCard(name=source.reference)
    path = folder / _CARD_FILE
    if not path.is_file():
        return ModelCard(name=folder.resolve().name)
    try:
        data: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        languages = data.get("languages")
        return ModelCard(
            name=str(data["name"]),
            max_clip_s=min(float(data.get("max_clip_s", WHISPER_WINDOW_S)), WHISPER_WINDOW_S),
            accepts_prompt=bool(data.get("accepts_prompt", True)),
            languages=None if languages is None else tuple(languages),
        )
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise EngineUnavailable(f"The model description {_CARD_FILE} can't be read.", model=folder.name) from error


def load_model(source: ModelSource) -> WhisperModel:
    """Load the model; a name is looked up in the local hub cache first, then downloaded.

    Raises:
        EngineUnavailable: there is no such model here, the hub does not answer, or the files are damaged.
    """
    try:
        from faster_whisper import WhisperModel
    except ImportError as error:
        raise EngineUnavailable("faster-whisper is not installed: install requirements/whisper.txt.") from error
    folder = source.folder
    if folder is not None:
        _check_files(folder)
    path = str(folder) if folder is not None else _fetched(source.reference)
    try:
        return WhisperModel(
            path, device=source.device, compute_type=source.compute_type, cpu_threads=source.cpu_threads
        )
    except (OSError, ValueError, RuntimeError) as error:
        message = f"The Whisper model '{source.reference}' can't be loaded on device '{source.device}'. {_WHAT_TO_DO}"
        raise EngineUnavailable(message) from error


def _check_files(folder: Path) -> None:
    missing = [name for name in _NEEDED_FILES if not (folder / name).is_file()]
    if missing:
        message = f"The Whisper model folder '{folder.name}' lacks {', '.join(missing)}. {_WHAT_TO_DO}"
        raise EngineUnavailable(message, missing=missing)


def _fetched(name: str) -> str:
    """Folder of the hub's model in the local cache, downloaded when it is not there."""
    from faster_whisper import download_model
    from httpx import HTTPError

    try:
        return str(download_model(name, local_files_only=True))
    except ValueError as error:
        raise EngineUnavailable(f"There is no Whisper model by the name '{name}'. {_WHAT_TO_DO}") from error
    except OSError:
        pass  # Not in the cache: ask the hub.
    try:
        return str(download_model(name))
    except (OSError, ValueError, RuntimeError, HTTPError) as error:
        message = f"The Whisper model '{name}' is not on this machine and the hub gave no copy. {_WHAT_TO_DO}"
        raise EngineUnavailable(message) from error
