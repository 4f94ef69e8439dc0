"""Small Word packages, written by hand so that each test shows the XML it is about."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping

_W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
_R = 'xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"'
_BASE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_TYPES = "application/vnd.openxmlformats-officedocument.wordprocessingml"
_RELS = "http://schemas.openxmlformats.org/package/2006/relationships"

STYLES = (
    '<w:style w:type="paragraph" w:default="1" w:styleId="Normal"><w:name w:val="Normal"/></w:style>'
    '<w:style w:type="paragraph" w:styleId="Ttulo1"><w:name w:val="heading 1"/><w:basedOn w:val="Normal"/>'
    '<w:pPr><w:outlineLvl w:val="0"/></w:pPr></w:style>'
    '<w:style w:type="paragraph" w:styleId="Punto"><w:name w:val="Punto"/><w:basedOn w:val="Ttulo1"/></w:style>'
    '<w:style w:type="paragraph" w:styleId="Sub"><w:name w:val="heading 2"/><w:pPr><w:outlineLvl w:val="1"/></w:pPr>'
    "</w:style>"
)


def paragraph(text: str, style: str | None = None) -> str:
    """Return a paragraph in one run; the text is XML already."""
    properties = f'<w:pPr><w:pStyle w:val="{style}"/></w:pPr>' if style else ""
    return f'<w:p>{properties}<w:r><w:t xml:space="preserve">{text}</w:t></w:r></w:p>'


def control(tag: str, content: str, extra: str = "<w:showingPlcHdr/>", number: int = 1) -> str:
    """Return a content control around anything."""
    return (
        f'<w:sdt><w:sdtPr><w:alias w:val="{tag}"/><w:tag w:val="{tag}"/><w:id w:val="{number}"/>{extra}</w:sdtPr>'
        f"<w:sdtContent>{content}</w:sdtContent></w:sdt>"
    )


def make_docx(
    body: str,
    *,
    header: str | None = None,
    replaced: Mapping[str, str | bytes] | None = None,
    relationships: str = "",
    main_type: str = f"{_TYPES}.document.main+xml",
) -> bytes:
    """Return a DOCX with this body; `replaced` adds or replaces whole parts."""
    header_type = f'<Override PartName="/word/header1.xml" ContentType="{_TYPES}.header+xml"/>' if header else ""
    header_rel = f'<Relationship Id="rId9" Type="{_BASE}/header" Target="header1.xml"/>' if header else ""
    header_ref = '<w:headerReference w:type="default" r:id="rId9"/>' if header else ""
    parts: dict[str, str | bytes] = {
        "[Content_Types].xml": (
            '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
            '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
            '<Default Extension="xml" ContentType="application/xml"/>'
            f'<Override PartName="/word/document.xml" ContentType="{main_type}"/>'
            f'<Override PartName="/word/styles.xml" ContentType="{_TYPES}.styles+xml"/>{header_type}</Types>'
        ),
        "_rels/.rels": (
            f'<Relationships xmlns="{_RELS}">'
            f'<Relationship Id="rId1" Type="{_BASE}/officeDocument" Target="word/document.xml"/></Relationships>'
        ),
        "word/_rels/document.xml.rels": (
            f'<Relationships xmlns="{_RELS}"><Relationship Id="rId1" Type="{_BASE}/styles" Target="styles.xml"/>'
            f"{header_rel}{relationships}</Relationships>"
        ),
        "word/document.xml": (
            f"<w:document {_W} {_R}><w:body>{body}<w:sectPr>{header_ref}"
            '<w:pgSz w:w="12240" w:h="15840"/></w:sectPr></w:body></w:document>'
        ),
        "word/styles.xml": f"<w:styles {_W}>{STYLES}</w:styles>",
    }
    if header:
        parts["word/header1.xml"] = f"<w:hdr {_W}>{header}</w:hdr>"
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in {**parts, **(replaced or {})}.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def relationship(kind: str, target: str, *, external: bool = False) -> str:
    """Return one relationship for the main document."""
    mode = ' TargetMode="External"' if external else ""
    return f'<Relationship Id="rId77" Type="{_BASE}/{kind}" Target="{target}"{mode}/>'
