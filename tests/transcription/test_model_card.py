"""Every bundled model has a card, and the other documents say the same as the card."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from jobs.transcription.whisper_model import MICRO_MODEL_DIR

ROOT = Path(__file__).parents[2]
MODELS = sorted(path for path in MICRO_MODEL_DIR.parent.iterdir() if path.is_dir())


@pytest.mark.parametrize("model", MODELS, ids=lambda path: path.name)
def test_the_card_is_filled_in(model: Path) -> None:
    card = (model / "MODEL_CARD.md").read_text(encoding="utf-8")
    assert "@@" not in card
    assert "not** a recogniser of people" in card


def test_card_guide_and_decision_agree() -> None:
    card = (MICRO_MODEL_DIR / "MODEL_CARD.md").read_text(encoding="utf-8")
    limits = json.loads((MICRO_MODEL_DIR / "astra_engine.json").read_text(encoding="utf-8"))
    guide = (ROOT / "docs/guides/transcription.md").read_text(encoding="utf-8")
    decision = (ROOT / "docs/adr/0004-micro-speech-model.md").read_text(encoding="utf-8")
    assert f"at most {limits['max_clip_s']:g} s" in card
    assert f'"max_clip_s": {limits["max_clip_s"]:g},' in guide
    for size in (r"[\d.]+ million parameters", r"[\d.]+ MB"):
        found = re.search(size, card)
        assert found, size
        assert found[0] in decision
