"""Misheard keywords are repaired for matching; right words and names are left alone."""

from __future__ import annotations

import pytest

from sessions_app.understanding.engine import EmbeddedCore
from sessions_app.understanding.lexicon import Lexicon
from sessions_app.understanding.words import Words, fold, sound_key
from tests.understanding.conftest import Dialogue, main_part

LEXICON = Lexicon({"sesion", "votacion", "proposicion", "catorce", "lista"}, {"vista", "vocacion", "lesion"})


@pytest.mark.parametrize(
    ("heard", "repaired"),
    [
        ("seción", "sesion"),
        ("botación", "votacion"),
        ("catorse", "catorce"),
        ("propocision", "proposicion"),
        ("lissta", "lista"),
        ("vista", "vista"),
        ("vocación", "vocacion"),
        ("lesión", "lesion"),
        ("14", "14"),
        ("de", "de"),
    ],
)
def test_a_word_is_repaired_only_if_it_is_unknown(heard: str, repaired: str) -> None:
    assert LEXICON.repair(Words.of(heard)).folded == (repaired,)


def test_names_are_protected() -> None:
    assert LEXICON.repair(Words.of("Lissta"), protected=frozenset({"lissta"})).folded == ("lissta",)


def test_folding_and_sound_keys() -> None:
    assert fold("MUÑOZ Ibáñez") == "munoz ibanez"
    assert sound_key(fold("Viáfara")) == sound_key("biafara")
    assert sound_key("quince") == sound_key("kinse")
    assert sound_key("cena") != sound_key("cuna")


def test_the_text_keeps_what_was_recognised() -> None:
    heard = "se somete a botacion la propocision numero quinse"
    result = main_part(Dialogue(core=EmbeddedCore()).say(heard))
    assert (result.intent.value, result.text, result.original_text) == ("VOTE", heard, heard)
