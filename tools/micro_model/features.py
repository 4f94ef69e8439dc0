"""Log-mel features computed exactly as the runtime computes them, padding included."""

from __future__ import annotations

import torch
from faster_whisper.feature_extractor import FeatureExtractor
from torch import Tensor
from torch.nn import functional

HOP_SAMPLES = 160
_WINDOW_SAMPLES = 400
_FLOOR = 1e-10
_DYNAMIC_RANGE = 8.0

_FILTERS = torch.tensor(FeatureExtractor().mel_filters)
_WINDOW = torch.hann_window(_WINDOW_SAMPLES)


def log_mel(samples: Tensor) -> Tensor:
    """Return log10 mel energies (batch, 80, frames of 10 ms) of (batch, samples) at 16 kHz."""
    padded = functional.pad(samples, (0, HOP_SAMPLES))
    spectrum = torch.stft(padded, _WINDOW_SAMPLES, HOP_SAMPLES, window=_WINDOW, center=True, return_complex=True)
    power = spectrum[..., :-1].abs() ** 2
    return (_FILTERS @ power).clamp_min(_FLOOR).log10()


def scaled(mel: Tensor, loudest: float | None = None) -> Tensor:
    """Return one window as Whisper wants it; ``loudest`` is the level of the loudest frame of the whole file."""
    top = float(mel.max()) if loudest is None else loudest
    return (mel.clamp_min(top - _DYNAMIC_RANGE) + 4) / 4
