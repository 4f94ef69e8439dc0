"""Engines by configuration, and models that describe themselves."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from jobs.transcription.errors import EngineUnavailable, UnknownEngine
from jobs.transcription.registry import engine_from_config, engine_names
from jobs.transcription.whisper_model import MICRO_MODEL_DIR, ModelCard, ModelSource, load_model, read_card


def test_one_instance_per_configuration() -> None:
    config = {"engine": "whisper:/no/such/model", "device": "cpu", "cpu_threads": 2}
    with ThreadPoolExecutor(4) as pool:
        engines = list(pool.map(engine_from_config, [config] * 20))
    assert len(set(map(id, engines))) == 1
    assert engine_from_config({**config, "cpu_threads": 1}) is not engines[0]


def test_an_engine_is_found_by_name_with_a_default_model() -> None:
    assert engine_names() == ["whisper"]
    assert engine_from_config({"engine": "whisper"}).model == "large-v3-turbo"
    assert engine_from_config({}).engine == "whisper"
    assert engine_from_config({"engine": "whisper:medium"}).max_clip_s == 30


def test_an_unknown_engine_is_refused() -> None:
    with pytest.raises(UnknownEngine) as caught:
        engine_from_config({"engine": "oracle:delphi"})
    assert "whisper" in caught.value.message


def test_a_model_reference_is_a_name_or_a_folder(tmp_path: Path) -> None:
    assert ModelSource("large-v3-turbo").folder is None
    assert ModelSource("Systran/faster-whisper-large-v3").folder is None
    assert ModelSource("micro").folder == MICRO_MODEL_DIR
    assert ModelSource(str(tmp_path)).folder == tmp_path


def test_a_model_tells_its_limits(tmp_path: Path) -> None:
    card = {"name": "tiny", "max_clip_s": 6, "accepts_prompt": False, "languages": ["es"]}
    (tmp_path / "astra_engine.json").write_text(json.dumps(card))
    assert read_card(ModelSource(str(tmp_path))) == ModelCard("tiny", 6.0, accepts_prompt=False, languages=("es",))
    assert engine_from_config({"engine": f"whisper:{tmp_path}"}).max_clip_s == 6


def test_a_model_without_a_card_is_a_full_whisper(tmp_path: Path) -> None:
    folder = tmp_path / "my-whisper"
    folder.mkdir()
    assert read_card(ModelSource(str(folder))) == ModelCard("my-whisper")


@pytest.mark.parametrize("card", ["no json", "[]", "{}", '{"name": "x", "max_clip_s": "long"}'])
def test_a_card_that_makes_no_sense_is_an_error(tmp_path: Path, card: str) -> None:
    (tmp_path / "astra_engine.json").write_text(card)
    with pytest.raises(EngineUnavailable):
        read_card(ModelSource(str(tmp_path)))


def test_a_folder_that_lacks_files_is_named_without_going_to_the_hub(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(EngineUnavailable) as caught:
        load_model(ModelSource(str(tmp_path)))
    assert caught.value.details == {"missing": ["model.bin", "tokenizer.json"]}


def test_damaged_model_files_are_an_error(tmp_path: Path) -> None:
    for name in ("model.bin", "config.json", "tokenizer.json"):
        (tmp_path / name).write_bytes(b"{}")
    with pytest.raises(EngineUnavailable):
        load_model(ModelSource(str(tmp_path), device="cpu"))


@pytest.mark.parametrize("name", ["large-v3-turbo", "no-such-model"])
def test_a_model_that_can_not_be_fetched_says_what_to_do(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(EngineUnavailable) as caught:
        load_model(ModelSource(name, device="cpu"))
    assert "ASTRA_ENGINE" in caught.value.message
    assert name in caught.value.message
