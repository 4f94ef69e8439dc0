"""What the parser found in a skeleton, in words for people: kinds, places, warnings, and what was wrong with a file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from astra_site.lib.error_texts import explain
from astra_site.lib.errors import AstraError
from tenants.skeleton.naming import shortened

KINDS: Final[dict[str, Any]] = {
    "text": _("text"),
    "block_zone": _("zone of blocks"),
    "table": _("table"),
    "image": _("image"),
    "signature": _("signature"),
}
_PLACES: Final[dict[str, Any]] = {"Header": _("page header"), "Footer": _("page footer"), "Notes": _("notes")}
WARNING_TEXTS: Final[dict[str, Any]] = {
    "part_unreadable": _("A part of the file can't be read; minutes are made without it."),
    "control_is_container": _("The control wraps other controls and isn't filled itself."),
    "control_repeats": _("The repeating section isn't made of a table's rows; what is in it is filled once."),
    "control_without_tag": _("The control has a title but no tag, so nothing can be put there. Give it a tag in Word."),
    "name_unusable": _("This can't be a placeholder's name: use up to 64 letters, digits and underscores."),
    "marker_unreadable": _("A marker can't be read. Write it as two braces, a name, two braces."),
    "placeholder_repeated": _("The name occurs more than once; only the first place is filled."),
    "placeholder_kinds_differ": _("The name occurs more than once, as different kinds of placeholder."),
    "placeholder_outside_body": _("It stands outside of the document's body, where only text is filled."),
    "table_missing": _("The name announces a table, but there is none inside."),
    "table_without_columns": _("No row of the table names its columns."),
    "outline_cut": _("The document has more headings than are listed."),
    "warnings_cut": _("There is more to look at than is listed here."),
    "no_block_zone": _("There is no zone for speeches; they would all go to the end."),
}


def place_of(placeholder: Mapping[str, Any]) -> str:
    """Return where a placeholder stands: the headings above it, or the part of the page."""
    path = placeholder.get("heading_path")
    if path:
        return " \u203a ".join(path)
    location = str(placeholder["location"])
    section = location.removeprefix("Body:Section_")
    if section == location:
        return str(_PLACES.get(location, location))
    return gettext("section %(number)s") % {"number": section} if section != "0" else gettext("beginning")


def kind_of(placeholder: Mapping[str, Any]) -> str:
    """Return what a placeholder takes; of a table, its columns too."""
    kind = str(KINDS.get(placeholder["kind"], placeholder["kind"]))
    columns = placeholder.get("columns")
    return f"{kind}: {', '.join(columns)}" if columns else kind


def warning_text(warning: Mapping[str, Any]) -> str:
    """Return what a warning says."""
    return str(WARNING_TEXTS.get(warning["code"], warning["message"]))


def explain_upload(error: AstraError) -> str:
    """Return why a file was refused, what to do, and what in the file it is about, as far as that is known."""
    return " ".join([explain(error), *_particulars(error.details)])


def _particulars(details: Mapping[str, object]) -> Iterator[str]:
    for name, text in (
        ("part", _("Part of the file: %(value)s.")),
        ("field", _("Field: %(value)s.")),
        ("target", _("It leads to: %(value)s.")),
        ("max_placeholders", _("%(value)s placeholders are allowed.")),
    ):
        if name in details:
            yield str(text) % {"value": shortened(str(details[name]), 80)}
    max_bytes = details.get("max_bytes")
    if isinstance(max_bytes, int):
        yield gettext("%(value)s are allowed.") % {"value": filesizeformat(max_bytes)}
