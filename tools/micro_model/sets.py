"""Which sentences the model is trained on and which are kept from it. Pure: nothing is spoken here."""

from __future__ import annotations

from itertools import islice
from typing import Final

from demo.script import ENTITY_DICTIONARY, SCRIPT
from tools.micro_model.corpus import Exclusion, Sentence, held_out_sentences, training_sentences

_TRAINING_SEED: Final = 1
_TRAINING_SENTENCES: Final = 12_000
_DICTIONARY_SENTENCES: Final = 400
_HELD_OUT_SENTENCES: Final = 120
_UNSEEN_SURNAME_SENTENCES: Final = 60


def held_out_council() -> list[Sentence]:
    """Return the held-out council sentences, in held-out voices."""
    return held_out_sentences(999, _HELD_OUT_SENTENCES)


def held_out_surnames() -> list[Sentence]:
    """Return held-out sentences whose surnames occur nowhere in training, in held-out voices."""
    return held_out_sentences(998, _UNSEEN_SURNAME_SENTENCES, unseen_surnames=True)


def unseen() -> Exclusion:
    """Return what training must not hear: the demonstration script and every held-out sentence."""
    held_out = [sentence.text for sentence in (*held_out_council(), *held_out_surnames())]
    return Exclusion([line.text for line in SCRIPT] + held_out)


def training() -> list[Sentence]:
    """Return every sentence of the training bank.

    The last ones all name somebody whom the entity dictionary must correct, so that the name is heard often enough.
    """
    common = list(islice(training_sentences(_TRAINING_SEED, unseen()), _TRAINING_SENTENCES))
    named = (
        sentence
        for sentence in training_sentences(_TRAINING_SEED + 1, unseen())
        if any(name in sentence.text.split() for name in ENTITY_DICTIONARY)
    )
    return common + list(islice(named, _DICTIONARY_SENTENCES))
