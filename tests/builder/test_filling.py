"""The council's skeleton, filled: fields, zones, tables, header and footer."""

from __future__ import annotations

from typing import Any

import pytest

from sessions_app.builder import build_minutes
from sessions_app.builder.errors import BuildRefused
from tenants.skeleton.styles import StyleSheet
from tests.builder.dumps import METADATA, block, config_content, council_session, session_dump
from tests.builder.reading import SKELETON, Docx, W, style_of, text_of


def _built(*blocks: dict[str, Any], **options: Any) -> Docx:
    return Docx(build_minutes(SKELETON, session_dump(blocks, **options), {}).docx)


@pytest.fixture(scope="module")
def minutes() -> Docx:
    return Docx(build_minutes(SKELETON, session_dump(council_session()), {}).docx)


def test_the_fields_are_filled_in_spanish_and_in_the_councils_time_zone(minutes: Docx) -> None:
    assert minutes.table("Corporación") == [
        ["Corporación", "Concejo Municipal de Quibdó"],
        ["Ciudad", "Quibdó, Chocó"],
        ["Fecha", "20 de noviembre de 2026"],
        ["Tipo de sesión", "Ordinaria"],
        ["Hora de apertura", "9:15 a. m."],
        ["Hora de cierre", "11:30 a. m."],
    ]


def test_a_session_that_starts_late_in_the_evening_keeps_its_local_date() -> None:
    docx = _built(started_at="2026-11-21T03:30:00Z")
    assert ["Fecha", "20 de noviembre de 2026"] in docx.table("Corporación")


def test_header_and_footer_are_filled_and_keep_their_page_numbers(minutes: Docx) -> None:
    header = next(minutes.plain(name) for name in sorted(minutes.parts) if name.startswith("word/header"))
    footer = next(minutes.plain(name) for name in sorted(minutes.parts) if name.startswith("word/footer"))

    assert "Concejo Municipal de Quibdó" in header
    assert " PAGE " in header
    assert " NUMPAGES " in header
    assert footer.strip() == "Concejo Municipal de Quibdó · Acta N.º 047"


def test_a_missing_value_is_a_visible_blank_never_the_prompt() -> None:
    docx = _built(metadata={"corporation": "Concejo"})
    assert ["Hora de apertura", "(sin dato)"] in docx.table("Corporación")
    assert "[" not in "".join(docx.paragraphs())
    assert "Acta N.º (sin dato)" in docx.paragraphs()


def test_each_block_goes_to_the_zone_of_its_template_in_session_order(minutes: Docx) -> None:
    assert minutes.section("Apertura") == [
        "Presidente Carlos Alberto Restrepo: Buenos días, honorables concejales.",
        "Siendo las nueve y quince de la mañana, se abre la sesión ordinaria de hoy.",
    ]
    assert minutes.section("Proposiciones")[0].endswith("presentada por la concejala Sandra Quintero.")


def test_the_speaker_is_named_once_per_turn(minutes: Docx) -> None:
    assert minutes.section("Debate") == [
        "Presidente Carlos Alberto Restrepo: Tiene la palabra la concejala María Ospina.",
        "Concejala María Ospina: El alumbrado público de la zona rural está en mal estado.",
        "En la vereda La Esperanza las familias llevan tres meses sin luz.",
        "Pausa de 2 min 10 s en la grabación.",
        "Concejal John Mosquera: No podemos aprobar una obra sin conocer su costo.",
        "[Audio pendiente de transcripción: fragmento 17, de 00:01:42 a 00:01:46]",
    ]


def test_a_speaker_who_comes_back_is_named_again() -> None:
    docx = _built(block(1, "Uno.", speaker="Ana"), block(2, "Dos.", speaker="Luis"), block(3, "Tres.", speaker="Ana"))
    assert docx.section("Debate") == ["Ana: Uno.", "Luis: Dos.", "Ana: Tres."]


def test_speeches_notes_and_headings_have_their_styles() -> None:
    docx = _built(
        block(1, "Hablo.", speaker="Ana", topic="Vías rurales"),
        block(2, "Pausa.", type="SYSTEM_NOTE", intent="DEBATE"),
    )
    styles = StyleSheet(docx.xml("word/styles.xml"))
    wanted = {"Vías rurales": "Título de punto", "Ana: Hablo.": "Intervención", "Pausa.": "Nota del sistema"}
    used = {text_of(p): style_of(p) for p in docx.document.iter(f"{W}p") if text_of(p) in wanted}
    assert used == {text: styles.id_of(name) for text, name in wanted.items()}


def test_the_topic_is_a_heading_only_where_it_changes() -> None:
    docx = _built(block(1, "Uno.", topic="Vías"), block(2, "Dos.", topic="Vías"), block(3, "Tres.", topic="Acueducto"))
    assert docx.section("Debate") == ["Vías", "Uno.", "Dos.", "Acueducto", "Tres."]


def test_the_lines_of_a_block_are_paragraphs() -> None:
    assert _built(block(1, "Uno.\n\nDos.\r\nTres.")).section("Debate") == ["Uno.", "Dos.", "Tres."]


def test_blocks_are_ordered_by_sequence_and_part_not_by_arrival() -> None:
    docx = _built(block(2, "Tercero."), block(1, "Segundo.", part=1), block(1, "Primero."))
    assert docx.section("Debate") == ["Primero.", "Segundo.", "Tercero."]


def test_an_empty_zone_says_so(minutes: Docx) -> None:
    empty = _built()
    assert empty.section("Debate") == ["Sin registro en esta sesión."]
    assert empty.section("Anexos")[0] == "Sin imágenes anexas."


def test_the_attendance_table_has_a_row_per_member_and_no_template_row(minutes: Docx) -> None:
    rows = minutes.table("Nombre")
    assert rows[0] == ["Nombre", "Asistencia"]
    assert rows[1] == ["Carlos Alberto Restrepo", "Presente"]
    assert ["Héctor Zapata", "Ausente"] in rows
    assert ["Patricia Hurtado", "Excusado"] in rows
    assert len(rows) == 8


def test_a_later_entry_of_the_roll_call_replaces_the_earlier_one_in_its_place() -> None:
    calls = [("Ana Ruiz", "absent"), ("Luis Mena", "present"), ("ANA  RUIZ", "present")]
    docx = _built(
        *(
            block(number, "…", "ROLL_CALL", data={"attendance": [{"name": name, "presence": presence}]})
            for number, (name, presence) in enumerate(calls, start=1)
        )
    )
    assert docx.table("Nombre")[1:] == [["ANA RUIZ", "Presente"], ["Luis Mena", "Presente"]]


def test_a_vote_is_in_its_zone_and_in_the_table_with_the_subject_that_was_announced(minutes: Docx) -> None:
    assert len(minutes.section("Votaciones")) == 2
    assert minutes.table("Asunto") == [
        ["Asunto", "A favor", "En contra", "Abstenciones", "Resultado"],
        ["Proposición número 12", "5", "1", "1", "Aprobada"],
    ]


def test_what_a_vote_does_not_say_is_a_dash_and_zero_is_zero() -> None:
    data = {"subject": None, "in_favour": 7, "against": 0, "abstentions": None, "result": None}
    assert _built(block(1, "Siete a favor.", "VOTE", data=data)).table("Asunto")[1] == ["—", "7", "0", "—", "—"]


def test_a_table_without_records_keeps_one_row_of_dashes() -> None:
    assert _built().table("Asunto")[1:] == [["—"] * 5]


def test_a_pending_block_makes_no_table_row() -> None:
    data = {"attendance": [{"name": "Ana", "presence": "present"}]}
    docx = _built(block(1, "", "ROLL_CALL", data=data, status="ERROR_PENDING_REVIEW"))
    assert docx.table("Nombre")[1:] == [["—", "—"]]
    assert docx.section("Llamado a lista y verificación del quórum")[0].startswith("[Audio sin transcribir")


def test_restricted_passages_stay_in_the_full_edition() -> None:
    assert _built(block(1, "Nombre de un menor.", restricted=True)).section("Debate") == ["Nombre de un menor."]


def test_a_template_without_a_zone_goes_to_the_default_zone() -> None:
    docx = _built(block(1, "Sin destino.", template_id="TPL_NUEVA", target_placeholder="ZONA_QUE_NO_HAY"))
    assert docx.section("Proposiciones y varios") == ["Sin destino."]


def test_what_has_no_place_at_all_is_at_the_end_and_reported() -> None:
    content = config_content(default_zone="ZONA_TAMPOCO", zone_map={})
    dump = session_dump([block(1, "No me pierdas.", target_placeholder="ZONA_QUE_NO_HAY")], content=content)
    built = build_minutes(SKELETON, dump, {})

    assert Docx(built.docx).paragraphs()[-2:] == ["Textos sin ubicación", "No me pierdas."]
    assert [(u.block_id, u.placeholder, u.reason) for u in built.unplaced] == [
        ("1.0", "ZONA_QUE_NO_HAY", "zone_missing")
    ]


def test_a_table_the_skeleton_lacks_is_reported_and_the_speech_is_kept() -> None:
    rule = {"table_id": "TBL_NINGUNA", "rows": "self", "columns": {"ASUNTO": "subject", "R": "result"}}
    data = {"subject": "Presupuesto", "result": "approved"}
    dump = session_dump([block(1, "Aprobado.", "VOTE", data=data)], content=config_content(table_map={"VOTE": rule}))
    built = build_minutes(SKELETON, dump, {})

    assert [(u.block_id, u.placeholder, u.reason) for u in built.unplaced] == [("1.0", "TBL_NINGUNA", "table_missing")]
    assert Docx(built.docx).section("Votaciones") == ["Aprobado."]


@pytest.mark.parametrize(
    "broken",
    [
        {"schema": "astra.session-dump/2"},
        {"blocks": [{"text": "no id"}]},
        {"blocks": [block(1, "a"), block(1, "b")]},
        {"session": {**session_dump()["session"], "client_timezone": "Mars/Olympus"}},
        {"session": {**session_dump()["session"], "started_at": "2026-11-20T14:12:00"}},
    ],
)
def test_a_malformed_dump_is_refused(broken: dict[str, object]) -> None:
    with pytest.raises(BuildRefused) as caught:
        build_minutes(SKELETON, {**session_dump(), **broken}, {})
    assert caught.value.code == "build_dump_malformed"
    assert caught.value.permanent


def test_metadata_of_another_type_is_a_blank_not_an_error() -> None:
    docx = _built(metadata={**METADATA, "city": {"name": "Quibdó"}, "number": 47})
    assert ["Ciudad", "(sin dato)"] in docx.table("Corporación")
    assert "Acta N.º 47" in docx.paragraphs()
