"""Names: the dictionary of corrections, members' misspelled names, and persons who must not become others."""

from __future__ import annotations

import pytest

from sessions_app.understanding.entities import Names

MEMBERS = (
    "John Mosquera",
    "Luz Dary Palacios",
    "Hernán Ospina",
    "María Ospina",
    "Carlos Alberto Restrepo",
    "Héctor Zapata",
)
DICTIONARY = {"Jhon": "John", "Emcali": "EMCALI", "Ines": "Inés", "Quibdo": "Quibdó", "Plan Vial": "plan vial 2026"}
NAMES = Names(DICTIONARY, MEMBERS)


@pytest.mark.parametrize(
    ("heard", "written"),
    [
        ("El concejal Jhon pidió la palabra.", "El concejal John pidió la palabra."),
        ("la respuesta de emcali", "la respuesta de EMCALI"),
        ("Ines Sinisterra y QUIBDO", "Inés Sinisterra y QUIBDÓ"),
        ("el Plan Vial de la ciudad", "el plan vial 2026 de la ciudad"),
        ("Jhonatan no es Jhon", "Jhonatan no es John"),
        ("quibdó ya lleva tilde", "quibdó ya lleva tilde"),
    ],
)
def test_the_dictionary_corrects_whole_words(heard: str, written: str) -> None:
    assert NAMES.correct(heard) == written


def test_the_longest_entry_wins_and_nothing_is_corrected_twice() -> None:
    names = Names({"San": "Santo", "San Juan": "San Juan Bautista", "Juan": "Joan"}, ())
    assert names.correct("en San Juan y en San Pedro con Juan") == "en San Juan Bautista y en Santo Pedro con Joan"


@pytest.mark.parametrize(
    ("heard", "written"),
    [
        ("Jhon Mosqera pidió la palabra", "John Mosquera pidió la palabra"),
        ("gracias al concejal jhon mosquera", "gracias al concejal John Mosquera"),
        ("Éctor Sapata, presente", "Héctor Zapata, presente"),
        ("la concejala Luz Dari Palasios", "la concejala Luz Dary Palacios"),
        ("hernan ospina", "Hernán Ospina"),
        ("el concejal Restreppo", "el concejal Restrepo"),
        ("Carlos Restrpo dijo", "Carlos Restrepo dijo"),
        ("HECTOR ZAPATA", "HÉCTOR ZAPATA"),
    ],
)
def test_a_members_misspelled_name_is_corrected(heard: str, written: str) -> None:
    assert NAMES.correct(heard) == written


@pytest.mark.parametrize(
    "text",
    [
        "Mario Ospina vino con Marta Ospina",
        "el concejal John Palacios",
        "la doctora Gloria Zapata",
        "Héctor Zapateiro construyó la vía",
        "la luz de los palacios",
        "el señor Ospino Restrepo Gómez",
        "María Ospina y Hernán Ospina",
        "concejal presente",
        "los mosqueros de la plaza",
    ],
)
def test_other_persons_and_words_stay(text: str) -> None:
    assert NAMES.correct(text) == text


@pytest.mark.parametrize(
    ("spoken", "member"),
    [
        ("Restrepo", "Carlos Alberto Restrepo"),
        ("Carlos Restrepo", "Carlos Alberto Restrepo"),
        ("maria ospina", "María Ospina"),
        ("Ospina", None),
        ("John Palacios", None),
        ("Pérez", None),
        ("", None),
    ],
)
def test_a_partial_name_means_a_member_only_if_it_is_the_only_one(spoken: str, member: str | None) -> None:
    assert NAMES.resolve(spoken) == member


def test_a_tenant_without_names_changes_nothing() -> None:
    assert Names({}, ()).correct("El concejal Jhon Mosqera.") == "El concejal Jhon Mosqera."
