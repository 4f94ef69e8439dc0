"""Multipart forms as clients write them, split in one go; whatever is unusual in anything is left to Django's parser.

Django's parser streams, and takes longer over a chunk than everything else that Python does for it. This one gives the
same answer for a whole body in memory, or none.
"""

from __future__ import annotations

import re
from typing import Final

from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import QueryDict

_BOUNDARY: Final = re.compile(r'multipart/form-data; ?boundary=("?)([0-9A-Za-z_-]{1,70})\1\Z')
_HEAD: Final = re.compile(
    rb'\r\nContent-Disposition: form-data; name="([0-9A-Za-z_-]{1,100})"'
    rb'(?:; filename="([0-9A-Za-z_-][0-9A-Za-z._-]{0,99})")?'
    rb"(?:\r\nContent-Type: ?[0-9A-Za-z./+; =_-]{1,100})?\Z",
    re.IGNORECASE,
)
_MOST_PARTS: Final = 16


def plain_form(content_type: str, body: bytes) -> QueryDict | None:
    """Return the fields and files of a form, as Django would; None for what Django has to look at itself."""
    announced = _BOUNDARY.match(content_type)
    if announced is None:
        return None
    mark = b"--" + announced[2].encode()
    parts = body.split(b"\r\n" + mark, _MOST_PARTS + 1)
    # The mark may stand at the parts' ends alone: Django ends a part at any other place as well.
    if len(parts) > _MOST_PARTS or body.count(mark) != len(parts) or parts.pop() not in (b"--\r\n", b"--"):
        return None
    if not parts or not parts[0].startswith(mark):
        return None
    parts[0] = parts[0].removeprefix(mark)
    form, files = QueryDict(mutable=True), []
    for part in parts:
        head, is_divided, content = part.partition(b"\r\n\r\n")
        told = _HEAD.match(head)
        if told is None or not is_divided:
            return None
        name = told[1].decode()
        if told[2] is None:
            form.appendlist(name, content.decode("utf-8", errors="replace"))
        else:
            files.append((name, SimpleUploadedFile(told[2].decode(), content)))
    for name, file in files:  # behind the texts, as in the form that DRF puts together
        form.appendlist(name, file)  # type: ignore[arg-type]  # a form holds files as well
    return form
