"""Which kind each part of a package is. Source: ECMA-376 part 2, 10.1.2 (names are compared without case)."""

from __future__ import annotations

from typing import Final

from lxml import etree

from tenants.skeleton.errors import SkeletonRefused
from tenants.skeleton.wordml import CONTENT_TYPES_NS

WORD_MAIN: Final = "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"
_BEFORE_XML: Final = b"\xef\xbb\xbf\xff\xfe\x00 \t\r\n"


class ContentTypes:
    """The content types of a package, all in lower case."""

    def __init__(self, root: etree._Element) -> None:
        """Read the root of `[Content_Types].xml`. Raise `SkeletonRefused` for two types of one part."""
        self._by_part: dict[str, str] = {}
        self._by_extension: dict[str, str] = {}
        self.declared: list[str] = []
        for element in root:
            kind = str(element.get("ContentType") or "").strip().lower()
            self.declared.append(kind)
            if element.tag == f"{{{CONTENT_TYPES_NS}}}Override":
                _set(self._by_part, str(element.get("PartName") or "").lstrip("/"), kind)
            elif element.tag == f"{{{CONTENT_TYPES_NS}}}Default":
                _set(self._by_extension, str(element.get("Extension") or ""), kind)

    def of(self, part: str) -> str:
        """Return the type of a part; empty where none is declared."""
        by_extension = self._by_extension.get(part.rpartition(".")[2].lower(), "")
        return self._by_part.get(part.lower(), by_extension)

    def is_xml(self, part: str, data: bytes) -> bool:
        """Tell whether any reader may take the part for XML, by its name, its type or its content."""
        if part.lower().endswith((".xml", ".psmdcp", ".svg")) or self.of(part).endswith("xml"):
            return True
        # Obfuscated fonts may start with any byte; pictures never start like XML.
        return not part.lower().endswith(".odttf") and data[:64].lstrip(_BEFORE_XML).startswith(b"<")


def _set(types: dict[str, str], name: str, kind: str) -> None:
    if types.setdefault(name.lower(), kind) != kind:
        raise SkeletonRefused(
            "skeleton_not_docx", f"This isn't a Word document (.docx): it declares two content types for {name[:200]}."
        )
