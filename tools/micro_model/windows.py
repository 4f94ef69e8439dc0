"""Composes training windows: utterances, pauses, noise, and the tokens the decoder must learn for them."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random

import numpy as np
import numpy.typing as npt
from tokenizers import Tokenizer

from tools.micro_model import vocabulary
from tools.micro_model.network import CTC_ALPHABET, MAX_FRAMES
from tools.micro_model.speech import SAMPLE_RATE_HZ, Utterance
from tools.micro_model.tokenizer import Layout

FRAME_SAMPLES = 320
FRAMES_PER_S = 50
IGNORED = -100
_MAX_TOKENS = 440
_MAX_PROMPT_TOKENS = 223
_LATEST_FIRST_FRAME = 50
_NO_SPEECH_SHARE = 0.05
_FOREIGN_SHARE = 0.04
_TIMESTAMP_SHARE = 0.6
_CTC_IDS = {character: index + 1 for index, character in enumerate(CTC_ALPHABET)}

Floats = npt.NDArray[np.float32]


@dataclass(slots=True)
class Placed:
    """An utterance placed in a window; ``text`` is None when the window's end cuts it."""

    text: str | None
    start: int
    stop: int


@dataclass(slots=True)
class Scene:
    """The sound of one window: samples, the language heard (None for no speech) and what is said where."""

    samples: Floats
    language: str | None
    placed: list[Placed] = field(default_factory=list)
    speech_stop: int | None = None


@dataclass(slots=True)
class Target:
    """Decoder input, the label of each position, the audio frame each position speaks about, and CTC labels."""

    tokens: list[int]
    labels: list[int]
    frames: list[float]
    characters: list[int]


@dataclass(frozen=True, slots=True)
class Window:
    """One training example; ``valid_samples`` is where the runtime would start to pad."""

    samples: Floats
    valid_samples: int
    offset_frames: int
    target: Target


class WindowWriter:
    """Writes windows from the banks; everything random comes from the two generators it is given."""

    def __init__(
        self, spanish: list[Utterance], foreign: list[Utterance], tokenizer: Tokenizer, layout: Layout
    ) -> None:
        """Keep the banks and the tokenizer."""
        self._spanish = spanish
        self._foreign = foreign
        self._tokenizer = tokenizer
        self._layout = layout

    def write(
        self, random: Random, noise: np.random.Generator, window_s: int, *, full: bool, prompted: bool = False
    ) -> Window | None:
        """Return one window of ``window_s`` seconds, or None when its text does not fit the decoder.

        A ``full`` window starts at zero and ends as a real recording does, with cut utterances or empty padding;
        any other window may sit anywhere in the thirty seconds, so that every position is learned cheaply. A
        ``prompted`` window puts earlier text before the transcript.
        """
        length = window_s * SAMPLE_RATE_HZ
        anywhere = not full and random.random() >= 0.5
        offset = random.randint(0, MAX_FRAMES - window_s * FRAMES_PER_S) if anywhere else 0
        scene = self._scene(random, length, full=full)
        self._add_noise(random, noise, scene)
        stop = scene.speech_stop
        tight = stop is not None and random.random() >= 0.4
        valid = min(length, stop + int(SAMPLE_RATE_HZ * random.uniform(0, 1.5))) if tight and stop else length
        if scene.language is None and random.random() < 0.5:
            valid = random.randint(1600, length)
        target = self._target(random, scene, offset, full=full, prompted=prompted)
        return None if target is None else Window(scene.samples, valid, offset, target)

    def _scene(self, random: Random, length: int, *, full: bool) -> Scene:
        kind = random.random()
        scene = Scene(np.zeros(length, np.float32), None)
        if kind < _NO_SPEECH_SHARE:
            return scene
        if kind < _NO_SPEECH_SHARE + _FOREIGN_SHARE:
            spoken = random.choice(self._foreign)
            samples = spoken.floats[:length]
            start = random.randint(0, max(0, min(SAMPLE_RATE_HZ, length - len(samples))))
            scene.samples[start : start + len(samples)] = samples
            scene.language, scene.speech_stop = spoken.language, start + len(samples)
            return scene
        scene.language = "es"
        self._place_spanish(random, scene, full=full)
        return scene

    def _place_spanish(self, random: Random, scene: Scene, *, full: bool) -> None:
        length = len(scene.samples)
        early = random.random() < 0.7
        latest_s = 0.4 if early else min(4.0, length / SAMPLE_RATE_HZ / 2)
        position = int(SAMPLE_RATE_HZ * random.random() * latest_s)
        most = random.choice((1, 1, 2, 3, 50)) if full else random.choice((1, 2, 50, 50))
        while len(scene.placed) < most:
            spoken = random.choice(self._spanish)
            if position + len(spoken.samples) > length - 400:
                if scene.placed:
                    self._cut_at_end(random, scene, spoken, position, full=full)
                    return
                position = 0
                continue
            stop = position + len(spoken.samples)
            scene.samples[position:stop] += spoken.floats * np.float32(10 ** (random.uniform(-8, 3) / 20))
            scene.placed.append(Placed(spoken.text, position, stop))
            scene.speech_stop = stop
            short = random.random() < 0.75
            position = stop + int(SAMPLE_RATE_HZ * (random.uniform(0.05, 0.8) if short else random.uniform(0.8, 3)))

    def _cut_at_end(self, random: Random, scene: Scene, spoken: Utterance, position: int, *, full: bool) -> None:
        room = len(scene.samples) - position
        if full and 8000 < room < len(spoken.samples) and random.random() < 0.5:
            scene.samples[position:] = spoken.floats[:room]
            scene.placed.append(Placed(None, position, len(scene.samples)))
            scene.speech_stop = len(scene.samples)

    def _add_noise(self, random: Random, noise: np.random.Generator, scene: Scene) -> None:
        gain = 10 ** (random.uniform(-20, 0) / 20)
        scene.samples *= np.float32(gain)
        silent = scene.language is None
        if random.random() >= (0.85 if silent else 0.6):
            return
        hiss = noise.standard_normal(len(scene.samples), dtype=np.float32)
        if random.random() < 0.4:
            hiss = np.convolve(hiss, np.ones(6, np.float32) / 2.4, "same")
        level = 10 ** random.uniform(-5, -1.9) * (random.choice((1.0, 0.1)) if silent else gain)
        scene.samples += hiss * np.float32(level)

    def _prompt(self, random: Random) -> list[int]:
        ids: list[int] = []
        if random.random() < 0.4:
            names = random.sample(vocabulary.SURNAMES, random.randint(1, 12))
            ids = self._text_ids(random.choice((", ", " ")).join(names))
        else:
            for _ in range(random.randint(1, 7)):
                text = self._text_ids(random.choice(self._spanish).text)
                if random.random() < 0.5:
                    start = random.randint(0, 1300)
                    text = [self._stamp(start), *text, self._stamp(start + random.randint(20, 200))]
                ids += text
        return [self._layout.task("startofprev"), *ids[-_MAX_PROMPT_TOKENS:]]

    def _text_ids(self, text: str) -> list[int]:
        ids: list[int] = self._tokenizer.encode(f" {text}").ids
        return ids

    def _stamp(self, frame: int) -> int:
        return self._layout.first_timestamp + min(frame, MAX_FRAMES)

    def _target(self, random: Random, scene: Scene, offset: int, *, full: bool, prompted: bool) -> Target | None:
        layout = self._layout
        tokens = self._prompt(random) if prompted else []
        start = len(tokens)
        stamped = random.random() < _TIMESTAMP_SHARE
        tokens.append(layout.start_of_transcript)
        frames: dict[int, float] = {}
        forced: dict[int, int] = {}
        if scene.language is None:
            mode = self._stamp(0) if stamped else layout.task("notimestamps")
            tokens += [layout.language("es"), layout.task("transcribe"), mode, layout.end_of_text]
            forced = {start: layout.task("nospeech"), start + 3: layout.end_of_text}
        elif scene.language != "es":
            tokens.append(layout.language(scene.language))
            forced = {start: tokens[-1]}
        else:
            tokens += [layout.language("es"), layout.task("transcribe")]
            tokens += [] if stamped else [layout.task("notimestamps")]
            first = len(tokens)
            if not stamped and scene.placed[-1].text is None:
                return None
            self._write_transcript(random, scene, tokens, frames, offset, stamped=stamped, full=full)
            forced = {start: tokens[start + 1]} | {at - 1: tokens[at] for at in range(first, len(tokens))}
        if len(tokens) > _MAX_TOKENS:
            return None
        inputs = tokens[:-1]
        labels = [forced.get(at, IGNORED) for at in range(len(inputs))]
        spoken_frames = [frames.get(at + 1, -1.0) for at in range(len(inputs))]
        return Target(inputs, labels, spoken_frames, _ctc_labels(scene))

    def _write_transcript(
        self,
        random: Random,
        scene: Scene,
        tokens: list[int],
        frames: dict[int, float],
        offset: int,
        *,
        stamped: bool,
        full: bool,
    ) -> None:
        for order, placed in enumerate(scene.placed):
            begin = round(placed.start / FRAME_SAMPLES) + offset
            if order == 0:
                begin = _first_stamp(random, begin, full=full)
            if stamped:
                if placed.text is not None:
                    frames[len(tokens)] = placed.start / FRAME_SAMPLES
                tokens.append(self._stamp(begin))
            if placed.text is None:
                continue
            self._write_text(placed, tokens, frames)
            if stamped:
                frames[len(tokens)] = placed.stop / FRAME_SAMPLES
                tokens.append(self._stamp(round(placed.stop / FRAME_SAMPLES) + offset))
        tokens.append(self._layout.end_of_text)

    def _write_text(self, placed: Placed, tokens: list[int], frames: dict[int, float]) -> None:
        ids = self._text_ids(placed.text or "")
        widths = [len(self._tokenizer.decode([token])) for token in ids]
        total, passed = sum(widths), 0.0
        for token, width in zip(ids, widths, strict=True):
            share = (passed + width / 2) / total
            frames[len(tokens)] = (placed.start + (placed.stop - placed.start) * share) / FRAME_SAMPLES
            passed += width
            tokens.append(token)


def _first_stamp(random: Random, begin: int, *, full: bool) -> int:
    """Return the frame to teach for the first timestamp: the runtime never lets it be later than one second."""
    if full:
        return min(begin, random.randint(0, _LATEST_FIRST_FRAME)) if begin > _LATEST_FIRST_FRAME else begin
    return max(0, begin - random.randint(0, 150)) if random.random() < 0.15 else begin


def _ctc_labels(scene: Scene) -> list[int]:
    if scene.language != "es" or any(placed.text is None for placed in scene.placed):
        return []
    texts = (placed.text or "" for placed in scene.placed)
    spelled = ("".join(character for character in text.lower() if character in _CTC_IDS) for text in texts)
    return [_CTC_IDS[character] for character in " ".join(spelled)]
