"""B3: nothing that is said in a session can become markup, a field, a template or a trick of the eye."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sessions_app.builder import build_minutes
from sessions_app.builder.text import clean_lines
from tenants.skeleton import open_package
from tests.builder.dumps import METADATA, block, session_dump
from tests.builder.reading import SKELETON, Docx, W, text_of

_ACTIVE = (f"{W}fldChar", f"{W}instrText", f"{W}fldSimple", f"{W}hyperlink", f"{W}sdt", f"{W}drawing", f"{W}object")
_NASTY = (*"<>&\"'{}%#$\\/=;: ", "{{", "}}", "{{FECHA}}", "\u202e", "\ufeff", "\x00", "\n", "\r", "\ud800", "a", "7")
_ANYTHING = st.text(st.characters(exclude_categories=()), max_size=60) | st.lists(
    st.sampled_from(_NASTY), max_size=20
).map("".join)


def _active_elements(docx: Docx) -> dict[str, int]:
    return {tag: sum(1 for _ in docx.document.iter(tag)) for tag in _ACTIVE}


_PLAIN = _active_elements(Docx(build_minutes(SKELETON, session_dump([block(1, "Hola.", speaker="Ana")]), {}).docx))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(text=_ANYTHING, speaker=_ANYTHING, city=_ANYTHING, name=_ANYTHING)
def test_any_text_is_shown_as_itself_and_does_nothing(text: str, speaker: str, city: str, name: str) -> None:
    attendance = block(2, "…", "ROLL_CALL", data={"attendance": [{"name": name, "presence": "present"}]})
    dump = session_dump([block(1, text, speaker=speaker), attendance], metadata={**METADATA, "city": city})
    docx_bytes = build_minutes(SKELETON, dump, {}).docx

    open_package(docx_bytes)
    docx = Docx(docx_bytes)
    assert docx.bookmarks().get("astra_b_1_0", "") == "\n".join(clean_lines(text))
    assert _active_elements(docx) == _PLAIN


@given(_ANYTHING)
def test_cleaning_leaves_only_what_can_be_seen(text: str) -> None:
    for line in clean_lines(text):
        assert line
        assert line == line.strip()
        assert not [c for c in line if unicodedata.category(c) in ("Cc", "Cs")]
        assert not set(line) & set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f")


@pytest.mark.parametrize(
    "said",
    [
        "<w:p><w:r><w:t>inyectado</w:t></w:r></w:p>",
        "]]></w:t></w:r><w:r><w:instrText>DDEAUTO c:\\cmd</w:instrText>",
        "{{PRESIDENTE}} {{ZONA_DEBATE}} {{ NOMBRE }}",
        "{% for x in y %}{{ self.__init__ }}{% endfor %}",
        "&lt;b&gt; & &#x41; <!-- -->",
        '{ HYPERLINK "http://example.org" }',
    ],
)
def test_markup_fields_and_templates_stay_the_characters_they_are(said: str) -> None:
    facts = {"subject": said, "in_favour": 1, "against": 0, "abstentions": 0, "result": said}
    blocks = [block(1, said, speaker=said), block(2, said, "VOTE", data=facts)]
    docx = Docx(build_minutes(SKELETON, session_dump(blocks, metadata=dict.fromkeys(METADATA, said)), {}).docx)

    assert docx.section("Debate") == [f"{said}: {said}"]
    assert docx.table("Asunto")[1] == [said, "1", "0", "0", said]
    assert f"Acta N.º {said}" in docx.paragraphs()
    assert _active_elements(docx) == _PLAIN


def test_a_reversed_reading_direction_is_not_carried_over() -> None:
    docx = Docx(build_minutes(SKELETON, session_dump([block(1, "Aprobado \u202eodagen\u202c hoy")]), {}).docx)
    assert docx.section("Debate") == ["Aprobado odagen hoy"]


def test_accents_emoji_and_other_scripts_are_kept() -> None:
    said = "Ñandú, pingüino, ¿qué? «sí» — 👩‍🌾 Ω 漢字"
    docx = Docx(build_minutes(SKELETON, session_dump([block(1, said)]), {}).docx)
    assert [text_of(p) for p in docx.document.iter(f"{W}p") if text_of(p) == said]
