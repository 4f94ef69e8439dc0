"""Fields: harmless ones pass, and no way of writing hides one that is not."""

from __future__ import annotations

import pytest

from tenants.skeleton import open_package
from tenants.skeleton.errors import SkeletonRefused
from tests.skeleton.packages import make_docx

BEGIN, SEPARATE, END = (f'<w:r><w:fldChar w:fldCharType="{kind}"/></w:r>' for kind in ("begin", "separate", "end"))
_MC = 'xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006"'


def code(text: str) -> str:
    escaped = text.replace("&", "&amp;").replace("<", "&lt;")
    return f'<w:r><w:instrText xml:space="preserve">{escaped}</w:instrText></w:r>'


def shown(text: str) -> str:
    return f"<w:r><w:t>{text}</w:t></w:r>"


def nested(*inner: str) -> str:
    return BEGIN + "".join(inner) + END


def opened(runs: str) -> None:
    open_package(make_docx(f"<w:p>{runs}</w:p>"))


HARMLESS = {
    "page": nested(code(" PAGE "), SEPARATE, shown("1")),
    "page in pieces": nested(code(" PA"), code("GE   \\* MERGEFORMAT "), SEPARATE, shown("1")),
    "pages in lower case": nested(code("numpages")),
    "date": nested(code(" DATE \\@ \"d 'de' MMMM 'de' yyyy\" "), SEPARATE, shown("1 de enero")),
    "contents with links": nested(
        code(' TOC \\o "1-3" \\h \\z \\u '),
        SEPARATE,
        nested(code(' HYPERLINK \\l "_Toc1" '), SEPARATE, shown("Uno"), nested(code(" PAGEREF _Toc1 \\h "))),
    ),
    "web link": nested(code(' HYPERLINK "https://example.org/a?b=c" \\o "Más" \\t "_blank" '), SEPARATE, shown("a")),
    "web link with switches close by": nested(code(' HYPERLINK\\o"tip" "https://example.org" '), SEPARATE, shown("a")),
    "mail link": nested(code(" HYPERLINK mailto:a@example.org "), SEPARATE, shown("a")),
    "an instruction with another field in it": nested(code(" SEQ Figura "), nested(code(" SECTION ")), code(" ")),
    "simple": '<w:fldSimple w:instr=" STYLEREF &quot;heading 1&quot; "><w:r><w:t>x</w:t></w:r></w:fldSimple>',
    "text box with a page number in both branches": (
        f'<w:r><mc:AlternateContent {_MC}><mc:Choice Requires="wps"><w:txbxContent><w:p>{nested(code("PAGE"))}</w:p>'
        f"</w:txbxContent></mc:Choice><mc:Fallback><w:txbxContent><w:p>{nested(code('PAGE'))}</w:p></w:txbxContent>"
        "</mc:Fallback></mc:AlternateContent></w:r>"
    ),
}


@pytest.mark.parametrize("name", HARMLESS)
def test_a_harmless_field_passes(name: str) -> None:
    opened(HARMLESS[name])


def _branches(choice: str, fallback: str) -> str:
    return (
        f'<mc:AlternateContent {_MC}><mc:Choice Requires="x">{choice}</mc:Choice>'
        f"<mc:Fallback>{fallback}</mc:Fallback></mc:AlternateContent>"
    )


HOSTILE = {
    "command": nested(code('DDEAUTO c:\\cmd.exe "/k calc"')),
    "command in pieces": nested(code("DD"), code("EAUTO x")),
    "command in capitals and not": nested(code(" dDeAuTo x")),
    "name made by another field": nested(nested(code(" QUOTE 68 68 69 ")), code(" c:\\cmd.exe ")),
    "name made by a harmless field": nested(nested(code(" TITLE ")), code(" c:\\cmd.exe ")),
    "name around an empty field": nested(code("DD"), nested(), code("EAUTO x")),
    "harmless name around a field": nested(code("I"), nested(code(" TITLE ")), code("NDEX")),
    "name around a simple field": nested(code("I"), '<w:fldSimple w:instr="TITLE"/>', code("NDEX")),
    "behind a formula": nested(code(' = INCLUDEPICTURE "http://example.org/x.png"')),
    "inside of a condition": nested(code(" IF 1=1 "), nested(code(' INCLUDETEXT "x" '))),
    "in the result of a harmless one": nested(code("PAGE"), SEPARATE, nested(code("DDE x"))),
    "in the content of a simple one": f'<w:fldSimple w:instr="PAGE">{nested(code("DDE x"))}</w:fldSimple>',
    "in ordinary text of the instruction": nested(shown("DDEAUTO x")),
    "after ordinary text": nested(shown("DDEAUTO "), code(" PAGE ")),
    "linked file": nested(code(' HYPERLINK "file://server/x" ')),
    "linked share": nested(code(" HYPERLINK \\\\server\\x ")),
    "linked script": nested(code(' HYPERLINK "javascript:x" ')),
    "linked file after a tip": nested(code(' HYPERLINK \\o "https://a" "file://x" ')),
    "linked file behind an escaped quote": nested(code(' HYPERLINK \\o "a\\" \\o "file://x\\" "" ')),
    "linked file made by another field": nested(code(' HYPERLINK "'), nested(code("TITLE")), code('"')),
    "linked file in a condition": nested(code(' IF 1=1 "'), nested(code(' HYPERLINK "file://x" ')), code('"')),
    "without an end": BEGIN + code("PAGE"),
    "without a begin": code("DDEAUTO x") + END,
    "instruction outside of a field": code("DDEAUTO x"),
    "no name": nested(code("  ")),
    "no known mark": '<w:r><w:fldChar w:fldCharType="Begin"/></w:r>',
    "name in a branch that is not read": nested(_branches(code("PAGE "), ""), code("DDEAUTO x")),
    "harmless name around a branch": nested(code("I"), _branches("", nested(code("TITLE"))), code("NDEX")),
    "begun in one branch, ended in the other": _branches(BEGIN + code("PAGE"), code("DDEAUTO x") + END),
    "name in content that may be unknown": nested(f'<x:y xmlns:x="urn:x">{code("PAGE ")}</x:y>', code("DDEAUTO x")),
    "name that is marked as deleted": nested(f"<w:del>{code('PAGE ')}</w:del>", code("DDEAUTO x")),
    "deleted instruction": nested("<w:r><w:delInstrText>PAGE </w:delInstrText></w:r>", code("DDEAUTO x")),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_field_is_refused(name: str) -> None:
    with pytest.raises(SkeletonRefused) as caught:
        opened(HOSTILE[name])
    assert caught.value.code == "skeleton_active_field"


def test_headers_are_checked_like_the_text() -> None:
    with pytest.raises(SkeletonRefused):
        open_package(make_docx("", header=f"<w:p>{nested(code('DDE x'))}</w:p>"))


@pytest.mark.parametrize(
    "name",
    [
        *("INCLUDETEXT", "INCLUDEPICTURE", "LINK", "EMBED", "DATABASE", "MACROBUTTON", "RD", "IMPORT", "AUTOTEXT"),
        *("ASK", "FILLIN", "PRINT", "GOTOBUTTON", "ADDIN", "MERGEFIELD", "QUOTE", "SET"),
    ],
)
def test_what_is_not_known_to_be_harmless_is_refused(name: str) -> None:
    with pytest.raises(SkeletonRefused):
        opened(nested(code(f" {name} x ")))
