"""Turns windows into training batches; batch ``n`` is the same on every run, so training can resume anywhere."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Final

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from tools.micro_model.features import HOP_SAMPLES, log_mel, scaled
from tools.micro_model.speech import SAMPLE_RATE_HZ
from tools.micro_model.windows import IGNORED, Window, WindowWriter

_MEL_BINS: Final = 80
_FIRST_SIZES: Final = ((4, 15), (5, 12))
_SHORT_SIZES: Final = ((5, 12), (7, 9), (10, 6))
_CLIP_SIZES: Final = ((7, 9), (8, 8), (10, 6))
_FULL_SIZES: Final = ((30, 3), (15, 6), (15, 6))
_EASY_SHARE: Final = 0.5
"""How much of the schedule has only short windows without prompts, until the decoder has learned to listen."""
_POLISH_FROM: Final = 0.8
_PROMPTED_SHARE: Final = 0.1
"""Prompts lengthen every row of a batch, so whole batches have them or not."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Padded tensors of one training step; ``frames`` is -1 where a token has no place in the audio."""

    mel: Tensor
    offsets: Tensor
    tokens: Tensor
    labels: Tensor
    frames: Tensor
    characters: list[list[int]]


def window_size(random: Random, progress: float) -> tuple[int, int, bool]:
    """Return (seconds, windows per batch, full) for a point of the schedule from 0 to 1.

    Short windows first, because they are cheap and teach the alignment; then longer and full ones; at last mostly
    what the engine is really asked: clips of one or two sentences.
    """
    full_share = 0.0 if progress < _EASY_SHARE else 0.08 if progress < _POLISH_FROM else 0.15
    if random.random() < full_share:
        return *random.choice(_FULL_SIZES), True
    sizes = _FIRST_SIZES if progress < _EASY_SHARE else _SHORT_SIZES if progress < _POLISH_FROM else _CLIP_SIZES
    return *random.choice(sizes), False


class BatchSource(Dataset[Batch]):
    """The training batches of a schedule of ``steps`` steps, addressed by step number."""

    def __init__(self, writer: WindowWriter, steps: int, seed: int) -> None:
        """Prepare ``steps`` batches drawn from ``writer``."""
        self._writer = writer
        self._steps = steps
        self._seed = seed

    def __len__(self) -> int:
        """Return the number of steps of the schedule."""
        return self._steps

    def __getitem__(self, step: int) -> Batch:
        """Return the batch of one step; equal seed and step give the equal batch."""
        torch.set_num_threads(1)
        random = Random(f"{self._seed}/{step}")
        noise = np.random.default_rng([self._seed, step])
        progress = step / self._steps
        seconds, count, full = window_size(random, progress)
        prompted = progress >= _EASY_SHARE and random.random() < _PROMPTED_SHARE
        windows: list[Window] = []
        while len(windows) < count:
            window = self._writer.write(random, noise, seconds, full=full, prompted=prompted)
            if window is not None:
                windows.append(window)
        return _padded(windows, _mel(random, windows, seconds))


def _mel(random: Random, windows: list[Window], seconds: int) -> Tensor:
    energies = log_mel(torch.from_numpy(np.stack([window.samples for window in windows])))
    energies = energies[..., : seconds * SAMPLE_RATE_HZ // HOP_SAMPLES]
    mel = torch.zeros_like(energies)
    for row, window in enumerate(windows):
        frames = min(energies.shape[2], window.valid_samples // HOP_SAMPLES)
        heard = energies[row, :, :frames]
        loudest = float(heard.max()) + (random.uniform(0, 0.8) if random.random() < 0.5 else 0.0)
        if not window.target.characters and random.random() < 0.5:
            loudest = max(loudest, random.uniform(0.0, 2.0))
        mel[row, :, :frames] = scaled(heard, loudest)
        if random.random() < 0.5:
            _mask_bands(random, mel[row, :, :frames], float(heard.mean()) / 4 + 1)
    return mel


def _mask_bands(random: Random, mel: Tensor, average: float) -> None:
    for _ in range(2):
        low = random.randint(0, _MEL_BINS - 10)
        mel[low : low + random.randint(0, 10)] = 0.0 if random.random() < 0.5 else average


def _padded(windows: list[Window], mel: Tensor) -> Batch:
    longest = max(len(window.target.tokens) for window in windows)
    tokens = torch.zeros(len(windows), longest, dtype=torch.long)
    labels = torch.full((len(windows), longest), IGNORED)
    frames = torch.full((len(windows), longest), -1.0)
    for row, window in enumerate(windows):
        length = len(window.target.tokens)
        tokens[row, :length] = torch.tensor(window.target.tokens)
        labels[row, :length] = torch.tensor(window.target.labels)
        frames[row, :length] = torch.tensor(window.target.frames)
    offsets = torch.tensor([window.offset_frames for window in windows])
    return Batch(mel, offsets, tokens, labels, frames, [window.target.characters for window in windows])
