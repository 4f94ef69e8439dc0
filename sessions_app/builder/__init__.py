"""The builder: a skeleton, a session dump and images in; the minutes as a DOCX out. Pure and deterministic."""

from sessions_app.builder.build import build_minutes
from sessions_app.builder.errors import BuildRefused
from sessions_app.builder.model import BuiltDocument, ImageFile, ParagraphTrace, UnplacedBlock, UnplacedReason

__all__ = [
    "BuildRefused",
    "BuiltDocument",
    "ImageFile",
    "ParagraphTrace",
    "UnplacedBlock",
    "UnplacedReason",
    "build_minutes",
]
