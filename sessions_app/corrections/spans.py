"""The audio of a block through corrections: one span, or several where words of different places were put together.

`audio` is the first span, so that every reader that knows one span is right; `audio_spans` lists all, and is there
only if there are several.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Span = Mapping[str, Any]
Word = tuple[int, int]
"""Start and end of a word in milliseconds, inside its recording."""

_SAME_BREATH_MS = 2_000


def spans_of(block: Mapping[str, Any]) -> list[Span]:
    """Return all spans of a block, in the order of its words."""
    if block.get("audio_spans"):
        return list(block["audio_spans"])
    return [block["audio"]] if block.get("audio") else []


def with_spans(block: Mapping[str, Any], spans: Sequence[Span]) -> dict[str, Any]:
    """Return the block with these spans."""
    changed = {name: value for name, value in block.items() if name != "audio_spans"}
    changed["audio"] = dict(spans[0]) if spans else None
    if len(spans) > 1:
        changed["audio_spans"] = [dict(span) for span in spans]
    return changed


def joined(first: Sequence[Span], second: Sequence[Span]) -> list[Span]:
    """Return the spans of words put one behind the other; spans that follow each other become one."""
    found = list(first)
    for span in second:
        if found and _follows(found[-1], span):
            found[-1] = {**found[-1], "end_ms": max(found[-1]["end_ms"], span["end_ms"])}
        else:
            found.append(span)
    return found


def cut(text: str, at: int, spans: Sequence[Span], words: Sequence[Word]) -> tuple[list[Span], list[Span]]:
    """Return the spans before and behind a cut in the text.

    A span whose words the transcript has is cut between two of them, at the one that the cut falls on; without words,
    or with several spans, in proportion to the characters.
    """
    if len(spans) == 1 and len(words) > 1:
        count = len(text[:at].split()) + len(text[at:].split())
        index = min(max(round(len(text[:at].split()) * len(words) / count), 1), len(words) - 1)
        span = spans[0]
        end_ms = min(max(words[index - 1][1], span["start_ms"]), span["end_ms"])
        start_ms = min(max(words[index][0], end_ms), span["end_ms"])
        return [{**span, "end_ms": end_ms}], [_from(span, start_ms)]
    return _cut_in_proportion(spans, at / len(text))


def _cut_in_proportion(spans: Sequence[Span], share: float) -> tuple[list[Span], list[Span]]:
    left_ms = round(sum(span["end_ms"] - span["start_ms"] for span in spans) * share)
    for index, span in enumerate(spans):
        length_ms = span["end_ms"] - span["start_ms"]
        if left_ms < length_ms or index == len(spans) - 1:
            middle_ms = span["start_ms"] + min(left_ms, length_ms)
            first, second = {**span, "end_ms": middle_ms}, _from(span, middle_ms)
            before = [*spans[:index], first] if left_ms or not index else list(spans[:index])
            return before, [second, *spans[index + 1 :]]
        left_ms -= length_ms
    return [], []


def _follows(first: Span, second: Span) -> bool:
    same = all(first[name] == second[name] for name in ("sha256", "sequence_id"))
    return same and first["start_ms"] <= second["start_ms"] <= first["end_ms"] + _SAME_BREATH_MS


def _from(span: Span, start_ms: int) -> dict[str, Any]:
    """Return the rest of a span from a moment on."""
    rest = {**span, "start_ms": start_ms}
    if span.get("session_start_ms") is not None:
        rest["session_start_ms"] = span["session_start_ms"] + start_ms - span["start_ms"]
    return rest
