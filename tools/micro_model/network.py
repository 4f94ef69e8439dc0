"""The Whisper network in miniature, with the parameter names of the reference implementation."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional

from tools.micro_model.tokenizer import TIMESTAMP_COUNT, Layout

CTC_ALPHABET: Final = "abcdefghijklmnopqrstuvwxyzñáéíóúü "
MAX_FRAMES: Final = 1500
MAX_TOKENS: Final = 448
_MASKED: Final = -1e4
_POSITION_SCALE: Final = 0.1


@dataclass(frozen=True, slots=True)
class Shape:
    """The size of the network."""

    width: int = 128
    heads: int = 4
    encoder_layers: int = 3
    decoder_layers: int = 2
    mel_bins: int = 80


def _sinusoids(length: int, width: int) -> Tensor:
    step = math.log(10000) / (width // 2 - 1)
    angles = torch.arange(length)[:, None] * torch.exp(-step * torch.arange(width // 2))[None]
    return torch.cat([angles.sin(), angles.cos()], 1)


class Attention(nn.Module):
    """Multi-head attention written out: on a CPU its backward pass beats the fused kernel."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.heads = shape.heads
        self.k_proj = nn.Linear(shape.width, shape.width, bias=False)
        self.v_proj = nn.Linear(shape.width, shape.width)
        self.q_proj = nn.Linear(shape.width, shape.width)
        self.out_proj = nn.Linear(shape.width, shape.width)
        self.weights: Tensor | None = None

    def _split(self, values: Tensor) -> Tensor:
        batch, length, width = values.shape
        return values.view(batch, length, self.heads, width // self.heads).transpose(1, 2)

    def forward(self, queries: Tensor, memory: Tensor | None = None, *, causal: bool = False) -> Tensor:
        """Attend to ``memory`` (to the queries themselves without one); cross-attention weights are kept."""
        keys = queries if memory is None else memory
        scale = (queries.shape[-1] // self.heads) ** -0.5
        scores = self._split(self.q_proj(queries)) * scale @ self._split(self.k_proj(keys)).transpose(-1, -2)
        if causal:
            length = queries.shape[1]
            scores = scores.masked_fill(torch.ones(length, length, dtype=torch.bool).triu(1), _MASKED)
        with torch.autocast("cpu", enabled=False):
            weights = scores.softmax(-1)
        self.weights = None if memory is None else weights
        mixed = weights @ self._split(self.v_proj(keys))
        return self.out_proj(mixed.transpose(1, 2).reshape(queries.shape))


class Layer(nn.Module):
    """One pre-norm transformer layer; a decoder layer also attends to the encoder."""

    def __init__(self, shape: Shape, *, cross: bool) -> None:
        super().__init__()
        self.cross = cross
        self.self_attn = Attention(shape)
        self.self_attn_layer_norm = nn.LayerNorm(shape.width)
        if cross:
            self.encoder_attn = Attention(shape)
            self.encoder_attn_layer_norm = nn.LayerNorm(shape.width)
        self.fc1 = nn.Linear(shape.width, 4 * shape.width)
        self.fc2 = nn.Linear(4 * shape.width, shape.width)
        self.final_layer_norm = nn.LayerNorm(shape.width)

    def forward(self, values: Tensor, memory: Tensor | None = None, dropout: float = 0.0) -> Tensor:
        """Return the layer's output; ``dropout`` applies to each residual branch while training."""
        active = self.training and dropout > 0

        def drop(branch: Tensor) -> Tensor:
            return functional.dropout(branch, dropout) if active else branch

        values = values + drop(self.self_attn(self.self_attn_layer_norm(values), causal=self.cross))
        if self.cross:
            values = values + drop(self.encoder_attn(self.encoder_attn_layer_norm(values), memory))
        return values + drop(self.fc2(functional.gelu(self.fc1(self.final_layer_norm(values)))))


def _convolved(values: Tensor, convolution: nn.Conv1d) -> Tensor:
    """Return a convolution of width 3 over (batch, time, channels) as one matrix product.

    On a CPU this takes three quarters of the time of the library's own.
    """
    length, stride = values.shape[1], convolution.stride[0]
    padded = functional.pad(values, (0, 0, 1, 1))
    taps = torch.cat([padded[:, tap : tap + length : stride] for tap in range(3)], -1)
    weight = convolution.weight.permute(0, 2, 1).reshape(convolution.out_channels, -1)
    return functional.linear(taps, weight, convolution.bias)


class Encoder(nn.Module):
    """Mel frames in, one vector per 20 ms out."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.conv1 = nn.Conv1d(shape.mel_bins, shape.width, 3, padding=1)
        self.conv2 = nn.Conv1d(shape.width, shape.width, 3, stride=2, padding=1)
        self.embed_positions = nn.Embedding(MAX_FRAMES, shape.width)
        self.embed_positions.weight.data = _sinusoids(MAX_FRAMES, shape.width)
        self.embed_positions.weight.requires_grad_(requires_grad=False)
        self.layers = nn.ModuleList(Layer(shape, cross=False) for _ in range(shape.encoder_layers))
        self.layer_norm = nn.LayerNorm(shape.width)

    def forward(self, mel: Tensor, offsets: Tensor) -> Tensor:
        """Encode windows that start ``offsets`` frames of 20 ms into the thirty seconds."""
        values = functional.gelu(_convolved(mel.transpose(1, 2), self.conv1))
        values = functional.gelu(_convolved(values, self.conv2))
        values = values + self.embed_positions.weight[offsets[:, None] + torch.arange(values.shape[1])[None]]
        for layer in self.layers:
            values = layer(values)
        return self.layer_norm(values)


class Decoder(nn.Module):
    """Tokens in, logits over the vocabulary out; input and output embeddings are one matrix."""

    def __init__(self, shape: Shape, layout: Layout) -> None:
        super().__init__()
        self.embed_tokens = nn.Embedding(layout.size, shape.width)
        nn.init.normal_(self.embed_tokens.weight, std=shape.width**-0.5)
        smooth = _sinusoids(TIMESTAMP_COUNT, shape.width) * (2 / shape.width) ** 0.5
        self.embed_tokens.weight.data[layout.first_timestamp :] = smooth
        self.embed_positions = nn.Embedding(MAX_TOKENS, shape.width)
        self.embed_positions.weight.data = _sinusoids(MAX_TOKENS, shape.width) * _POSITION_SCALE
        self.layers = nn.ModuleList(Layer(shape, cross=True) for _ in range(shape.decoder_layers))
        self.layer_norm = nn.LayerNorm(shape.width)

    def forward(self, tokens: Tensor, memory: Tensor, dropout: float = 0.0) -> Tensor:
        """Return the logits of the token after each of ``tokens``."""
        values = self.embed_tokens(tokens) + self.embed_positions.weight[: tokens.shape[1]]
        for layer in self.layers:
            values = layer(values, memory, dropout)
        return self.layer_norm(values) @ self.embed_tokens.weight.T


class MicroWhisper(nn.Module):
    """Encoder, decoder, and a character CTC head that only helps training."""

    def __init__(self, layout: Layout, shape: Shape | None = None) -> None:
        super().__init__()
        shape = shape or Shape()
        self.encoder = Encoder(shape)
        self.decoder = Decoder(shape, layout)
        self.ctc = nn.Linear(shape.width, len(CTC_ALPHABET) + 1)

    @torch.no_grad()
    def hold_output_bias(self) -> None:
        """Keep hidden dimension 0 at one, so that column 0 of the tied embedding acts as an output bias."""
        self.decoder.layer_norm.weight[0] = 0
        self.decoder.layer_norm.bias[0] = 1
