"""Numbers, ordinals, times and dates as they are said in a session and written by a recogniser."""

from __future__ import annotations

import pytest

from sessions_app.understanding.numbers_es import find_numbers, ordinal_at, parse_number
from sessions_app.understanding.times_es import DateFound, find_date, parse_time
from sessions_app.understanding.words import Words

CARDINALS = [
    ("cero", 0), ("un", 1), ("una", 1), ("siete", 7), ("diez", 10), ("once", 11), ("catorce", 14),
    ("dieciséis", 16), ("dieciseis", 16), ("diez y seis", 16), ("veinte", 20), ("veintiún", 21), ("veintiuna", 21),
    ("veinti uno", 21), ("veinte y cinco", 25), ("veintiséis", 26), ("treinta", 30), ("treinta y uno", 31),
    ("treintaidós", 32), ("cuarenta y cinco", 45), ("noventa y nueve", 99), ("cien", 100), ("ciento uno", 101),
    ("ciento doce", 112), ("ciento veinte", 120), ("doscientas", 200), ("trescientos cuarenta y dos", 342),
    ("quinientos", 500), ("setecientos ochenta", 780), ("novecientos", 900), ("mil", 1000), ("mil uno", 1001),
    ("mil novecientos noventa y nueve", 1999), ("dos mil", 2000), ("dosmil", 2000),
    ("dos mil veintiséis", 2026), ("dosmilveintiseis", 2026), ("quince mil trescientos", 15300),
    ("ciento cincuenta mil", 150000), ("un millón", 1_000_000), ("dos millones quinientos mil", 2_500_000),
    ("tres mil millones", 3_000_000_000), ("14", 14), ("2.026", 2026), ("VEINTIÚN", 21),
]  # fmt: skip

TIMES = [
    ("siendo las nueve y quince de la mañana", "09:15"),
    ("siendo las nueve y quince de la manana", "09:15"),
    ("siendo las once y treinta", "11:30"),
    ("las doce del mediodía", "12:00"),
    ("siendo el mediodía", "12:00"),
    ("las dos y cuarto de la tarde", "14:15"),
    ("un cuarto para las diez", "09:45"),
    ("un cuarto para la una de la tarde", "12:45"),
    ("faltando diez minutos para las ocho de la mañana", "07:50"),
    ("siendo las diez y media", "10:30"),
    ("a las ocho en punto de la mañana", "08:00"),
    ("siendo las ocho de la mañana", "08:00"),
    ("siendo las 9:15 a.m.", "09:15"),
    ("siendo las 3:40 p. m.", "15:40"),
    ("siendo las 9 y 15 de la mañana", "09:15"),
    ("las diez y cinco de la mañana", "10:05"),
    ("las seis y cuarenta y cinco de la tarde", "18:45"),
    ("siendo la una y veinte de la tarde", "13:20"),
    ("siendo la una de la tarde", "13:00"),
    ("las ocho menos cuarto de la noche", "19:45"),
    ("las doce de la noche", "00:00"),
    ("a las quince horas", "15:00"),
    ("siendo las catorce horas y treinta minutos", "14:30"),
    ("las once con veinte minutos de la mañana", "11:20"),
    ("siendo las nueve quince de la mañana", "09:15"),
    ("once y cuarenta de la mañana", "11:40"),
    ("nos vemos a las siete.", "07:00"),
]

NO_TIMES = [
    "las dos proposiciones que quedaron pendientes",
    "catorce votos a favor y dos en contra",
    "a las tres bancadas les pido compostura",
    "hablé con las dos concejalas",
    "el cuarto punto del orden del día",
]

DATES = [
    ("hoy dieciocho de noviembre de dos mil veintiséis", DateFound(18, 11, 2026)),
    ("el primero de mayo", DateFound(1, 5, None)),
    ("treinta y uno de diciembre del año dos mil veinticinco", DateFound(31, 12, 2025)),
    ("jueves 20 de noviembre de 2026", DateFound(20, 11, 2026)),
    ("el veintiocho de febrero del 2026", DateFound(28, 2, 2026)),
]

ORDINALS = [
    ("primero", 1), ("primer", 1), ("segunda", 2), ("séptimo", 7), ("décimo", 10), ("décimo tercero", 13),
    ("decimotercera", 13), ("undécimo", 11), ("vigésimo primero", 21), ("vigesimoprimera", 21),
]  # fmt: skip


@pytest.mark.parametrize(("spoken", "value"), CARDINALS)
def test_a_spoken_number_has_its_value(spoken: str, value: int) -> None:
    assert parse_number(spoken) == value


@pytest.mark.parametrize(("spoken", "value"), ORDINALS)
def test_a_spoken_ordinal_has_its_value(spoken: str, value: int) -> None:
    words = Words.of(spoken).folded
    found = ordinal_at(words, 0)
    assert found is not None
    assert (found.value, found.stop) == (value, len(words))


@pytest.mark.parametrize("text", ["", "voto", "dosis", "unos", "y dos", "nueve y quince"])
def test_what_is_not_one_number_is_refused(text: str) -> None:
    assert parse_number(text) is None


def test_numbers_in_a_sentence_are_found_apart() -> None:
    words = Words.of("con catorce votos a favor, dos en contra y una abstención").folded
    assert [found.value for found in find_numbers(words)] == [14, 2, 1]


@pytest.mark.parametrize(("spoken", "expected"), TIMES)
def test_a_spoken_time_is_understood(spoken: str, expected: str) -> None:
    assert parse_time(spoken) == expected


@pytest.mark.parametrize("text", NO_TIMES)
def test_a_bare_number_is_no_time(text: str) -> None:
    assert parse_time(text) is None


@pytest.mark.parametrize(("spoken", "expected"), DATES)
def test_a_spoken_date_is_understood(spoken: str, expected: DateFound) -> None:
    assert find_date(spoken) == expected


@pytest.mark.parametrize("text", ["treinta y uno de febrero", "en noviembre", "el mes de mayo"])
def test_an_impossible_or_incomplete_date_is_none(text: str) -> None:
    assert find_date(text) is None
