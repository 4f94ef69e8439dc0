"""Parsing a skeleton of 300 pages: `make bench B=skeleton`.

The pages are like a council's: two headings, eight paragraphs of sixty words in three runs each, a table, a marker and
a content control. The baseline is what nobody can save: unzipping the same file and parsing its parts with bare lxml,
without any check. All alternate in one run, and what counts is the median of the processor time of one core.
"""

from __future__ import annotations

import io
import statistics
import time
import zipfile
from collections.abc import Callable

from lxml import etree

from tenants.skeleton import open_package, parse_skeleton
from tests.skeleton.packages import control, make_docx, paragraph

_ROUNDS = 7
_PAGES = 300
_WORDS = "El alumbrado público de la zona rural está en mal estado y las familias llevan tres meses sin luz. " * 3
_FORMAT = '<w:rPr><w:rFonts w:ascii="Arial" w:hAnsi="Arial"/><w:sz w:val="22"/><w:lang w:val="es-CO"/></w:rPr>'


def _said() -> str:
    third = len(_WORDS) // 3
    runs = (_WORDS[start : start + third] for start in range(0, third * 3, third))
    written = "".join(f'<w:r w:rsidR="00A77B3E">{_FORMAT}<w:t xml:space="preserve">{text}</w:t></w:r>' for text in runs)
    return f'<w:p w:rsidR="00A77B3E" w:rsidRDefault="00A77B3E"><w:pPr><w:jc w:val="both"/></w:pPr>{written}</w:p>'


def _page(number: int) -> str:
    row = f"<w:tr><w:tc>{paragraph('{{NOMBRE}}')}</w:tc><w:tc>{paragraph('{{VOTO}}')}</w:tc></w:tr>"
    head = f"<w:tr><w:tc>{paragraph('Nombre')}</w:tc><w:tc>{paragraph('Voto')}</w:tc></w:tr>"
    return (
        paragraph(f"Punto {number}", "Ttulo1")
        + paragraph("Debate", "Sub")
        + _said() * 8
        + control(f"TBL_{number}", f"<w:tbl>{head}{row}</w:tbl>", "", 2 * number)
        + paragraph(f"En la ciudad de {{{{CIUDAD_{number}}}}} se dijo:")
        + control(f"ZONA_{number}", paragraph("Aquí lo dicho"), number=2 * number + 1)
        + '<w:p><w:r><w:br w:type="page"/></w:r></w:p>'
    )


def skeleton_of(pages: int) -> bytes:
    """Return a skeleton with so many pages, three placeholders on each."""
    return make_docx("".join(map(_page, range(pages))), header=paragraph("{{CORPORACION}}"))


def bare_lxml(docx: bytes) -> None:
    """Unzip a package and parse every XML part, no more."""
    with zipfile.ZipFile(io.BytesIO(docx)) as archive:
        for name in archive.namelist():
            if name.endswith((".xml", ".rels")):
                etree.fromstring(archive.read(name))


def _timed_ms(work: Callable[[], object]) -> float:
    start = time.process_time()
    work()
    return (time.process_time() - start) * 1_000


def main() -> None:
    """Measure and print one line per figure."""
    large, small = skeleton_of(_PAGES), skeleton_of(_PAGES // 10)
    found = parse_skeleton(large)
    if len(found.placeholders) != 3 * _PAGES + 1 or found.warnings:
        raise SystemExit("The parser does not find what the pages hold.")
    works = {
        "bare_lxml": lambda: bare_lxml(large),
        "open": lambda: open_package(large),
        "parse": lambda: parse_skeleton(large),
        "parse_30": lambda: parse_skeleton(small),
    }
    taken: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(_ROUNDS):
        for name, work in works.items():
            taken[name].append(_timed_ms(work))
    middle = {name: statistics.median(values) for name, values in taken.items()}
    print(f"RESULT skeleton_300_pages_bare_lxml {middle['bare_lxml']:.0f} ms aim < 200")
    print(f"RESULT skeleton_300_pages_open {middle['open']:.0f} ms aim < 500")
    print(f"RESULT skeleton_300_pages_parse {middle['parse']:.0f} ms aim < 1000")
    print(f"RESULT skeleton_parse_to_bare_lxml {middle['parse'] / middle['bare_lxml']:.1f} ratio aim < 10")
    print(f"RESULT skeleton_time_per_page_300_to_30 {middle['parse'] / middle['parse_30'] / 10:.2f} ratio aim < 1.3")


if __name__ == "__main__":
    main()
