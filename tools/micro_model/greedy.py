"""Greedy decoding of single utterances, to watch the word error rate while training."""

from __future__ import annotations

import numpy as np
import torch
from tokenizers import Tokenizer

from jobs.transcription.wer import word_error_rate
from tools.micro_model.features import HOP_SAMPLES, log_mel, scaled
from tools.micro_model.network import MicroWhisper
from tools.micro_model.speech import SAMPLE_RATE_HZ, Utterance
from tools.micro_model.tokenizer import Layout

_WINDOW_S = 12
_LEAD_SAMPLES = 1600
_MAX_NEW_TOKENS = 90


@torch.no_grad()
def word_error_rate_of(
    model: MicroWhisper, spoken: list[Utterance], tokenizer: Tokenizer, layout: Layout
) -> tuple[float, list[str]]:
    """Return the word error rate of greedy transcripts of utterances up to 12 s, and the transcripts."""
    model.eval()
    samples = np.zeros((len(spoken), _WINDOW_S * SAMPLE_RATE_HZ), np.float32)
    for row, utterance in enumerate(spoken):
        heard = utterance.floats[: samples.shape[1] - _LEAD_SAMPLES]
        samples[row, _LEAD_SAMPLES : _LEAD_SAMPLES + len(heard)] = heard
    energies = log_mel(torch.from_numpy(samples))
    mel = torch.zeros_like(energies)
    for row, utterance in enumerate(spoken):
        stop = min(energies.shape[2], (len(utterance.samples) + 2 * _LEAD_SAMPLES) // HOP_SAMPLES)
        mel[row, :, :stop] = scaled(energies[row, :, :stop])
    forced = [layout.start_of_transcript, layout.language("es"), layout.task("transcribe"), layout.task("notimestamps")]
    tokens = torch.tensor([forced] * len(spoken))
    done = torch.zeros(len(spoken), dtype=torch.bool)
    with torch.autocast("cpu", torch.bfloat16):
        memory = model.encoder(mel, torch.zeros(len(spoken), dtype=torch.long))
        for _ in range(_MAX_NEW_TOKENS):
            following = model.decoder(tokens, memory)[:, -1].float().argmax(-1)
            following[done] = layout.end_of_text
            tokens = torch.cat([tokens, following[:, None]], 1)
            done |= following == layout.end_of_text
            if bool(done.all()):
                break
    model.train()
    rows = tokens[:, len(forced) :].tolist()
    texts = [tokenizer.decode([token for token in row if token < layout.text_count]).strip() for row in rows]
    counts = [word_error_rate(utterance.text, text) for utterance, text in zip(spoken, texts, strict=True)]
    return sum(count.errors for count in counts) / sum(count.reference_words for count in counts), texts
