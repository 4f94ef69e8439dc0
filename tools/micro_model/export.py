"""Turns a checkpoint into the folder faster-whisper loads: int8 weights, tokenizer, feature settings."""

from __future__ import annotations

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import torch
from ctranslate2.converters import TransformersConverter
from torch import Tensor
from transformers import GenerationConfig, WhisperConfig, WhisperForConditionalGeneration

from tools.micro_model import tokenizer as bpe
from tools.micro_model.network import MAX_FRAMES, MAX_TOKENS, Shape
from tools.micro_model.tokenizer import LANGUAGES, Layout

TRAINED_LANGUAGES: Final = ("es", "en", "pt", "ca", "fr")
_NEVER: Final = -60.0
_ALIGNMENT_HEADS: Final = [[1, 0], [1, 1]]
_FEATURES: Final[dict[str, Any]] = {
    "feature_extractor_type": "WhisperFeatureExtractor",
    "processor_class": "WhisperProcessor",
    "feature_size": 80,
    "sampling_rate": 16000,
    "hop_length": 160,
    "chunk_length": 30,
    "n_fft": 400,
    "n_samples": 480000,
    "nb_max_frames": 3000,
    "padding_value": 0.0,
    "padding_side": "right",
    "return_attention_mask": False,
}
_TOKENIZER: Final[dict[str, Any]] = {
    "tokenizer_class": "PreTrainedTokenizerFast",
    "bos_token": "<|endoftext|>",
    "eos_token": "<|endoftext|>",
    "unk_token": "<|endoftext|>",
    "pad_token": "<|endoftext|>",
    "model_max_length": MAX_TOKENS,
}


def _config(layout: Layout, shape: Shape) -> WhisperConfig:
    return WhisperConfig(
        vocab_size=layout.size,
        num_mel_bins=shape.mel_bins,
        d_model=shape.width,
        encoder_layers=shape.encoder_layers,
        decoder_layers=shape.decoder_layers,
        encoder_attention_heads=shape.heads,
        decoder_attention_heads=shape.heads,
        encoder_ffn_dim=4 * shape.width,
        decoder_ffn_dim=4 * shape.width,
        max_source_positions=MAX_FRAMES,
        max_target_positions=MAX_TOKENS,
        pad_token_id=layout.end_of_text,
        bos_token_id=layout.end_of_text,
        eos_token_id=layout.end_of_text,
        decoder_start_token_id=layout.start_of_transcript,
        suppress_tokens=None,
        begin_suppress_tokens=None,
        scale_embedding=False,
        dropout=0.0,
    )


def _generation(layout: Layout, space: list[int]) -> GenerationConfig:
    config = GenerationConfig(
        bos_token_id=layout.end_of_text,
        eos_token_id=layout.end_of_text,
        pad_token_id=layout.end_of_text,
        decoder_start_token_id=layout.start_of_transcript,
        max_length=MAX_TOKENS,
    )
    config.suppress_tokens = []
    config.begin_suppress_tokens = space  # and not the end of text: silence may be answered with nothing
    config.lang_to_id = {f"<|{code}|>": layout.language(code) for code in LANGUAGES}
    config.task_to_id = {name: layout.task(name) for name in ("translate", "transcribe")}
    config.no_timestamps_token_id = layout.task("notimestamps")
    config.is_multilingual = True
    config.alignment_heads = _ALIGNMENT_HEADS
    return config


def _weights(state: dict[str, Tensor], layout: Layout) -> dict[str, Tensor]:
    """Return the weights under their reference names; tokens that were never trained can never be chosen.

    Hidden dimension 0 is held at one, so column 0 of the tied embedding is the bias of each token.
    """
    weights = {f"model.{name}": weight for name, weight in state.items() if not name.startswith("ctc.")}
    embedding = weights["model.decoder.embed_tokens.weight"].clone()
    untrained = torch.tensor(layout.untrained(TRAINED_LANGUAGES))
    embedding[untrained] = 0.0
    embedding[untrained, 0] = _NEVER
    weights["model.decoder.embed_tokens.weight"] = embedding
    weights["proj_out.weight"] = embedding
    return weights


def export(checkpoint: Path, tokenizer_path: Path, target: Path) -> None:
    """Write the CTranslate2 model of a checkpoint to ``target``; raises ``ValueError`` if a weight has no place."""
    tokenizer, layout = bpe.load(tokenizer_path)
    model = WhisperForConditionalGeneration(_config(layout, Shape()))
    result = model.load_state_dict(_weights(torch.load(checkpoint)["model"], layout), strict=False)
    if result.missing_keys or result.unexpected_keys:
        raise ValueError(f"weights do not fit: {result}")
    model.tie_weights()
    model.generation_config = _generation(layout, tokenizer.encode(" ").ids)
    with TemporaryDirectory() as folder:
        source = Path(folder)
        model.save_pretrained(source)
        (source / "tokenizer.json").write_bytes(tokenizer_path.read_bytes())
        (source / "tokenizer_config.json").write_text(json.dumps(_TOKENIZER), encoding="utf-8")
        (source / "preprocessor_config.json").write_text(json.dumps(_FEATURES, indent=1) + "\n", encoding="utf-8")
        converter = TransformersConverter(folder, copy_files=["tokenizer.json", "preprocessor_config.json"])
        converter.convert(str(target), quantization="int8", force=True)
