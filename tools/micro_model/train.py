"""Trains the micro model: step-based schedule, checkpoints, resumable at any checkpoint."""

from __future__ import annotations

import json
import logging
import math
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import DataLoader, Subset

from tools.micro_model import tokenizer as bpe
from tools.micro_model.batches import Batch, BatchSource
from tools.micro_model.greedy import word_error_rate_of
from tools.micro_model.network import MicroWhisper
from tools.micro_model.speech import Utterance, read_bank
from tools.micro_model.windows import IGNORED, WindowWriter

STEPS: Final = 6400
_SEED: Final = 20
_PEAK_RATE: Final = 1.6e-3
_WARM_UP_STEPS: Final = 40
_LABEL_SMOOTHING: Final = 0.03
_DROPOUT: Final = 0.05
_GUIDED_HEADS: Final = ((0, 0), (1, 0), (1, 1))
_GUIDE_HALF_WIDTH_FRAMES: Final = 15
_REPORT_EVERY: Final = 100
_CHECKPOINT_EVERY: Final = 200
_THREADS: Final = 2

_log = logging.getLogger(__name__)


def learning_rate(step: int, steps: int) -> float:
    """Return the rate of a step: short warm-up, then a cosine down to two percent of the peak."""
    warm = min(1.0, (step + 1) / _WARM_UP_STEPS)
    return _PEAK_RATE * warm * (0.5 * (1 + math.cos(math.pi * step / steps)) * 0.98 + 0.02)


def _guidance_weight(progress: float) -> float:
    return 1.5 if progress < 0.3 else 0.5 if progress < 0.8 else 0.2


def _guidance(model: MicroWhisper, batch: Batch) -> Tensor:
    """Return the loss of guided attention: chosen heads must look at the audio of the token they predict.

    Without it a model this small learns the language and ignores the sound.
    """
    placed = batch.frames >= 0
    loss = torch.zeros(())
    for layer, head in _GUIDED_HEADS:
        weights = model.decoder.layers[layer].encoder_attn.weights[:, head][placed].float()
        centres = batch.frames[placed][:, None]
        near = ((torch.arange(weights.shape[1])[None] - centres).abs() <= _GUIDE_HALF_WIDTH_FRAMES).float()
        loss = loss - ((weights * near).sum(-1) + 1e-4).log().mean() / len(_GUIDED_HEADS)
    return loss


def _ctc(logits: Tensor, characters: list[list[int]]) -> Tensor:
    rows = [row for row, labels in enumerate(characters) if labels]
    if not rows:
        return logits.sum() * 0
    return functional.ctc_loss(
        logits[rows].float().log_softmax(-1).transpose(0, 1),
        torch.tensor([label for row in rows for label in characters[row]]),
        torch.full((len(rows),), logits.shape[1]),
        torch.tensor([len(characters[row]) for row in rows]),
        zero_infinity=True,
    )


def losses(model: MicroWhisper, batch: Batch) -> tuple[Tensor, Tensor, Tensor]:
    """Return (cross entropy, CTC, guided attention) of one batch."""
    with torch.autocast("cpu", torch.bfloat16):
        memory = model.encoder(batch.mel, batch.offsets)
        logits = model.decoder(batch.tokens, memory, _DROPOUT)
        spelled = model.ctc(memory)
    wanted = batch.labels != IGNORED
    entropy = functional.cross_entropy(logits[wanted].float(), batch.labels[wanted], label_smoothing=_LABEL_SMOOTHING)
    guided = _guidance(model, batch) if bool((batch.frames >= 0).any()) else entropy * 0
    return entropy, _ctc(spelled, batch.characters), guided


def _optimizer(model: MicroWhisper) -> torch.optim.AdamW:
    matrices = [weight for weight in model.parameters() if weight.ndim > 1 and weight.requires_grad]
    vectors = [weight for weight in model.parameters() if weight.ndim < 2]
    groups = [{"params": matrices, "weight_decay": 0.01}, {"params": vectors, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=_PEAK_RATE, betas=(0.9, 0.98), eps=1e-6)


class Trainer:
    """Runs the schedule from the last checkpoint to its end."""

    def __init__(self, work: Path, steps: int = STEPS, start_from: Path | None = None) -> None:
        """Load banks and tokenizer from ``work``; continue from ``work/checkpoint.pt`` if there is one.

        Without one, the weights of the checkpoint ``start_from`` begin a new schedule, if it is given.
        """
        torch.set_num_threads(_THREADS)
        torch.manual_seed(_SEED)
        self._work = work
        self._steps = steps
        self._tokenizer, layout = bpe.load(work / "tokenizer.json")
        bank = work / "bank"
        writer = WindowWriter(read_bank(bank, "training"), read_bank(bank, "foreign"), self._tokenizer, layout)
        self._source = BatchSource(writer, steps, _SEED)
        self._probe: list[Utterance] = read_bank(bank, "held_out")[:24] + read_bank(bank, "held_out_surnames")[:12]
        self._layout = layout
        self.model = MicroWhisper(layout)
        self.model.hold_output_bias()
        self._optimizer = _optimizer(self.model)
        self._step = 0
        self._trained_s = 0.0
        self._resume(start_from)

    def run(self) -> None:
        """Train to the end of the schedule, reporting and writing checkpoints on the way."""
        began = time.monotonic() - self._trained_s
        sums = [0.0, 0.0, 0.0]
        for batch in self._batches():
            for index, value in enumerate(self._train_on(batch)):
                sums[index] += value / _REPORT_EVERY
            self._step += 1
            self._trained_s = time.monotonic() - began
            if self._step % _REPORT_EVERY == 0:
                row = {
                    "step": self._step,
                    "seconds": round(self._trained_s),
                    "loss": [round(value, 3) for value in sums],
                }
                _log.info("%s", json.dumps(row))
                sums = [0.0, 0.0, 0.0]
            if self._step % _CHECKPOINT_EVERY == 0 or self._step == self._steps:
                self._checkpoint()

    def _batches(self) -> Iterator[Batch]:
        rest = Subset(self._source, range(self._step, self._steps))
        yield from DataLoader(rest, batch_size=None, num_workers=1, prefetch_factor=8)

    def _train_on(self, batch: Batch) -> tuple[float, float, float]:
        progress = self._step / self._steps
        for group in self._optimizer.param_groups:
            group["lr"] = learning_rate(self._step, self._steps)
        entropy, spelling, guided = losses(self.model, batch)
        loss = entropy + (1.0 if progress < 0.75 else 0.5) * spelling + _guidance_weight(progress) * guided
        self._optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self._optimizer.step()
        self.model.hold_output_bias()
        return entropy.item(), spelling.item(), guided.item()

    def _checkpoint(self) -> None:
        rate, heard = word_error_rate_of(self.model, self._probe, self._tokenizer, self._layout)
        _log.info("%s", json.dumps({"step": self._step, "wer": round(rate, 4), "heard": heard[:3]}, ensure_ascii=False))
        state = {
            "model": self.model.state_dict(),
            "optimizer": self._optimizer.state_dict(),
            "step": self._step,
            "trained_s": self._trained_s,
            "torch_random": torch.get_rng_state(),
        }
        partial = self._work / "checkpoint.partial"
        torch.save(state, partial)
        partial.replace(self._work / "checkpoint.pt")

    def _resume(self, start_from: Path | None) -> None:
        path = self._work / "checkpoint.pt"
        if path.exists():
            state = torch.load(path)
            self.model.load_state_dict(state["model"])
            self._optimizer.load_state_dict(state["optimizer"])
            self._step, self._trained_s = state["step"], state["trained_s"]
            torch.set_rng_state(state["torch_random"])
        elif start_from is not None:
            self.model.load_state_dict(torch.load(start_from)["model"])
