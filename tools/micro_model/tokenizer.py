"""A small byte-level BPE in the id layout that Whisper runtimes expect.

The layout is fixed: text tokens, the empty string, end of text, start of transcript, 99 languages, translate,
transcribe, start of LM, start of previous, no speech, no timestamps, then one token per 20 ms up to 30 s, and
nothing after. CTranslate2 takes a vocabulary for multilingual only if it holds the empty string.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers

from tools.micro_model.vocabulary import word_list

LANGUAGES: Final = word_list("whisper_languages")
TIMESTAMP_COUNT: Final = 1501
_TASKS: Final = ("translate", "transcribe", "startoflm", "startofprev", "nospeech", "notimestamps")
_BPE_SIZE: Final = 900
_SUPPRESSED_STARTS: Final = (("Ġ", "-"), ("Ġ", "'"), ("Ġ", "â"), ("â", "Ļ"), ("Ġâ", "Ļ"))
"""faster-whisper suppresses the first id of " -", " '" and " ♪": without these merges that id is the bare space."""


@dataclass(frozen=True, slots=True)
class Layout:
    """Where each special token sits, given the number of text tokens."""

    text_count: int

    @property
    def end_of_text(self) -> int:
        """The end-of-text token; the empty string sits just before it."""
        return self.text_count + 1

    @property
    def start_of_transcript(self) -> int:
        """The token every decoder prompt starts with."""
        return self.end_of_text + 1

    def language(self, code: str) -> int:
        """Return the token of a language code."""
        return self.start_of_transcript + 1 + LANGUAGES.index(code)

    def task(self, name: str) -> int:
        """Return one of the six task tokens by its name, such as ``transcribe`` or ``nospeech``."""
        return self.start_of_transcript + 1 + len(LANGUAGES) + _TASKS.index(name)

    @property
    def first_timestamp(self) -> int:
        """The token of 0.00 s; each of the next ones is 20 ms later."""
        return self.task("notimestamps") + 1

    @property
    def size(self) -> int:
        """The size of the whole vocabulary."""
        return self.first_timestamp + TIMESTAMP_COUNT

    def untrained(self, trained_languages: Iterable[str]) -> list[int]:
        """Return the tokens training neither reads nor writes; their logits must be pushed down at export."""
        known = {self.language(code) for code in trained_languages}
        all_languages = {self.language(code) for code in LANGUAGES}
        tasks = {self.task(name) for name in ("translate", "startoflm")}
        return sorted({self.text_count} | tasks | (all_languages - known))


def _byte_level(model: models.BPE) -> Tokenizer:
    tokenizer = Tokenizer(model)
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    return tokenizer


def learn(texts: Iterable[str], path: Path) -> None:
    """Learn the BPE from the training texts and write the complete tokenizer to ``path``."""
    learner = _byte_level(models.BPE())
    trainer = trainers.BpeTrainer(
        vocab_size=_BPE_SIZE,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
        min_frequency=2,
    )
    learner.train_from_iterator((f" {text}" for text in texts), trainer)
    learned = json.loads(learner.to_str())["model"]
    vocabulary: dict[str, int] = learned["vocab"]
    merges = [(str(left), str(right)) for left, right in learned["merges"]]
    for left, right in _SUPPRESSED_STARTS:
        if left + right not in vocabulary:
            vocabulary[left + right] = len(vocabulary)
            merges.append((left, right))
    layout = Layout(len(vocabulary))
    vocabulary[""] = layout.text_count
    tokenizer = _byte_level(models.BPE(vocab=vocabulary, merges=merges))
    specials = ["endoftext", "startoftranscript", *LANGUAGES, *_TASKS]
    tokenizer.add_special_tokens([AddedToken(f"<|{name}|>", special=True, normalized=False) for name in specials])
    stamps = (f"<|{index * 0.02:.2f}|>" for index in range(TIMESTAMP_COUNT))
    tokenizer.add_tokens([AddedToken(stamp, special=False, normalized=False) for stamp in stamps])
    _check(tokenizer, layout)
    tokenizer.save(str(path), pretty=False)


def _check(tokenizer: Tokenizer, layout: Layout) -> None:
    expected = {
        "<|endoftext|>": layout.end_of_text,
        "<|es|>": layout.language("es"),
        "<|notimestamps|>": layout.task("notimestamps"),
        "<|30.00|>": layout.size - 1,
    }
    found = {token: tokenizer.token_to_id(token) for token in expected}
    if found != expected or tokenizer.get_vocab_size() != layout.size:
        raise ValueError(f"token layout is off: {found} instead of {expected}")


def load(path: Path) -> tuple[Tokenizer, Layout]:
    """Return a tokenizer written by ``learn`` and its layout; raises ``ValueError`` for any other tokenizer."""
    tokenizer = Tokenizer.from_file(str(path))
    end_of_text = tokenizer.token_to_id("<|endoftext|>")
    if end_of_text is None:
        raise ValueError(f"{path.name} has no end of text")
    return tokenizer, Layout(end_of_text - 1)
