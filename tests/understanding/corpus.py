"""Labelled utterances in the manner of Colombian councils, written for these tests: intent, tab, sentence.

Rules are tuned on `TUNING` only. `HELD_OUT` was written before its sentences were ever given to the engine, and what
the engine misses of it is not looked at; the figures in the tests and the benchmark are measured on it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from sessions_app.understanding.types import Intent

Labelled = tuple[tuple[Intent, str], ...]


def _read(name: str) -> Labelled:
    lines = (Path(__file__).parent / name).read_text(encoding="utf-8").splitlines()
    rows = (line.split("\t") for line in lines)
    return tuple((Intent(intent), text) for intent, text in rows)


TUNING: Final = _read("tuning.tsv")
HELD_OUT: Final = _read("held_out.tsv")
