"""What is said in a session of the chaos suite: inputs that can be told apart in the finished document."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random

from PIL import Image

from tests.transports.line import Given

SPEECH = Path(__file__).parents[1] / "data" / "speech" / "contract"
CLIPS = ("plan", "visit")
"""Speeches: what they say stands in the minutes once, in no table, and leaves the floor to whoever has it."""
MARKER_PATTERN = r"zq[bcdfghjklmnpqrstvwxz]{9}"
_LETTERS = "bcdfghjklmnpqrstvwxz"
_SENTENCES = (
    "El concejal pregunta por el expediente {} de la vereda.",
    "Los recursos del acueducto {} no alcanzan para el barrio.",
    "El informe {} sobre las vías terciarias llegó tarde.",
    "La comunidad pide que se repare el puente {} antes del invierno. Lleva dos años cerrado.",
    "Falta el concepto de la oficina {} sobre el presupuesto.",
)
_SPEAKERS = ("María Ospina", "John Mosquera", "Gloria Murillo", "Andrés Valencia")
_MOST_AT_ONCE = 3


@dataclass(frozen=True, slots=True)
class Said(Given):
    """One input. `marker` stands exactly once in a document that holds it, and in no other."""

    marker: str = ""

    def replaced(self, random: Random) -> Said:
        """Return other content under the same number: what a confused client would send."""
        marker = new_marker(random)
        return replace(self, marker=marker, text=_SENTENCES[0].format(marker), audio=None)


@dataclass(frozen=True, slots=True)
class Together:
    """Inputs that are sent at the same time; those in `again` once more when they are accepted."""

    inputs: tuple[Said, ...]
    again: tuple[Said, ...] = ()
    refused: tuple[Said, ...] = ()


@dataclass(frozen=True, slots=True)
class Context:
    """From number `from_sequence_id` on these hold; sent when everything before it is accepted."""

    from_sequence_id: int
    speaker: str
    topic: str


@dataclass(frozen=True, slots=True)
class Picture:
    """An image; its caption stands once in the document."""

    png: bytes
    marker: str
    after_sequence_id: int


@dataclass(frozen=True, slots=True)
class Amendment:
    """A clerk's correction: other words for an input that was accepted before, under a name of the client's own."""

    edit_id: str
    said: Said


Step = Together | Context | Picture | Amendment


@dataclass(frozen=True)
class Script:
    """A whole session. `withheld` is a number that is never sent: it is closed with gaps accepted."""

    number: str
    steps: Sequence[Step]
    withheld: int | None = None
    inputs: Sequence[Said] = field(default_factory=list)

    def contexts(self) -> Iterator[Context]:
        """Return the changes of context, in order."""
        return (step for step in self.steps if isinstance(step, Context))

    def pictures(self) -> Iterator[Picture]:
        """Return the images."""
        return (step for step in self.steps if isinstance(step, Picture))

    def context_of(self, sequence_id: int) -> tuple[str | None, str | None]:
        """Return the speaker and topic that hold for an input."""
        held = [step for step in self.contexts() if step.from_sequence_id <= sequence_id]
        return (held[-1].speaker, held[-1].topic) if held else (None, None)


def new_marker(random: Random) -> str:
    """Make a word that nobody says, that no dictionary corrects and that is no number."""
    return "zq" + "".join(random.choice(_LETTERS) for _ in range(9))


def clips() -> Mapping[str, bytes]:
    """Return the recordings that sessions use."""
    return {name: (SPEECH / f"{name}.flac").read_bytes() for name in CLIPS}


def write_script(random: Random, number: str, heard: Mapping[str, str]) -> Script:
    """Draw a session of six to ten inputs: out of order, some at once, some twice; contexts and images between them.

    `heard` is what the engine hears in each recording.
    """
    inputs = _inputs(random, heard)
    withheld = random.randrange(1, len(inputs)) if random.random() < 0.15 else None
    steps: list[Step] = []
    sent: list[Said] = []
    highest = 0
    for batch in _batches(random, [said for said in inputs if said.sequence_id != withheld]):
        if highest and random.random() < 0.2:
            steps.append(Context(highest + 1, random.choice(_SPEAKERS), f"Punto {random.randrange(1, 9)}"))
        if highest and random.random() < 0.06:
            steps.append(Picture(_png(random), new_marker(random), random.randint(1, highest)))
        if (clear := _without_gap_before(sent)) and random.random() < 0.12:
            steps.append(Amendment(f"edit-{len(steps)}", random.choice(clear).replaced(random)))
        again = tuple(said for said in batch if random.random() < 0.2)
        refused = tuple(said.replaced(random) for said in batch if random.random() < 0.1)
        steps.append(Together(batch, again, refused))
        highest = max(highest, *(said.sequence_id for said in batch))
        sent += batch
    return Script(number, steps, withheld, sent)


def _inputs(random: Random, heard: Mapping[str, str]) -> list[Said]:
    count = random.randint(6, 10)
    spoken_at = random.randint(1, count) if heard and random.random() < 0.35 else None
    found = []
    for number in range(1, count + 1):
        if number == spoken_at:
            name = random.choice(sorted(heard))
            found.append(Said(number, marker=heard[name], audio=(SPEECH / f"{name}.flac").read_bytes()))
        else:
            marker = new_marker(random)
            found.append(Said(number, marker=marker, text=random.choice(_SENTENCES).format(marker)))
    return found


def _batches(random: Random, inputs: Sequence[Said]) -> Iterator[tuple[Said, ...]]:
    """Disturb the order a little and cut it into pieces; the last number comes with the last piece but one at most."""
    late = sorted(inputs, key=lambda said: said.sequence_id + random.uniform(0, 3))
    while late:
        size = random.randint(1, _MOST_AT_ONCE)
        yield tuple(late[:size])
        late = late[size:]


def _without_gap_before(sent: Sequence[Said]) -> list[Said]:
    """Return the texts that are understood without anything that is still to come."""
    numbers = {said.sequence_id for said in sent}
    first_missing = next(number for number in range(1, len(numbers) + 2) if number not in numbers)
    return [said for said in sent if said.audio is None and said.sequence_id < first_missing]


def _png(random: Random) -> bytes:
    """Make an image that no other session has."""
    target = io.BytesIO()
    colour = tuple(random.randrange(256) for _ in range(3))
    image = Image.new("RGB", (48, 32), colour)
    image.putpixel((random.randrange(48), random.randrange(32)), tuple(random.randrange(256) for _ in range(3)))
    image.save(target, "PNG")
    return target.getvalue()
