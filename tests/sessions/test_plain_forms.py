"""A form that is split in one go is the form that Django's parser reads; what is not plain is left to it."""

from __future__ import annotations

import io
from typing import Any

import pytest
from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import MemoryFileUploadHandler
from django.http.multipartparser import MultiPartParser, MultiPartParserError
from hypothesis import example, given
from hypothesis import strategies as st

from sessions_app.api.plain_forms import plain_form

Pairs = list[tuple[str, Any]]


def django_s(content_type: str, body: bytes) -> Pairs | None:
    """What Django and DRF make of it; None for an error."""
    about = {"CONTENT_TYPE": content_type, "CONTENT_LENGTH": str(len(body))}
    keeper = MemoryFileUploadHandler()
    try:
        fields, files = MultiPartParser(about, io.BytesIO(body), [keeper], "utf-8").parse()
    except MultiPartParserError:
        return None
    form = fields.copy()
    form.update(files)
    return pairs(form)


def pairs(form: Any) -> Pairs:
    """Everything in a form, files by their content."""
    return [
        (name, (value.read(), value.size) if isinstance(value, UploadedFile) else value)
        for name, values in form.lists()
        for value in values
    ]


def form_of(parts: list[tuple[str, str | None, bytes]], boundary: str = "b") -> bytes:
    body = b""
    for name, filename, content in parts:
        file = f'; filename="{filename}"\r\nContent-Type: audio/wav' if filename else ""
        body += f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"{file}\r\n\r\n'.encode()
        body += content + b"\r\n"
    return body + f"--{boundary}--\r\n".encode()


PART = st.tuples(
    st.sampled_from(["sequence_id", "audio", "text", "a-b"]),
    st.sampled_from([None, None, "x.wav", "blob"]),
    st.binary(max_size=40) | st.sampled_from([b"--b", b"\r\n--b", b"\r\n", b"--b--", b"", b"\xff", "ñ".encode()]),
)


@given(parts=st.lists(PART, min_size=1, max_size=5), boundary=st.sampled_from(["b", "----WebKitFormBoundaryAb1"]))
@example(parts=[("audio", "x.wav", b"RIFF"), ("audio", None, b"text behind a file")], boundary="b")
@example(parts=[("text", None, b"\xff\xfe")], boundary="b")
def test_plain_forms_are_read_as_django_reads_them(parts: list[tuple[str, str | None, bytes]], boundary: str) -> None:
    content_type, body = f"multipart/form-data; boundary={boundary}", form_of(parts, boundary)
    found = plain_form(content_type, body)
    has_mark_inside = any(f"--{boundary}".encode() in content for _, _, content in parts)
    assert (found is None) or pairs(found) == django_s(content_type, body)
    assert (found is None) == has_mark_inside


@given(cut=st.integers(1, 60), place=st.integers(0, 200), byte=st.integers(0, 255))
def test_a_damaged_form_is_left_to_django_or_read_as_django_reads_it(cut: int, place: int, byte: int) -> None:
    body = bytearray(form_of([("sequence_id", None, b"7"), ("audio", "x.wav", b"RIFF" * 5)]))
    if place < len(body):
        body[place] = byte
    for damaged in (bytes(body), bytes(body[:-cut]), bytes(body[cut:])):
        found = plain_form("multipart/form-data; boundary=b", damaged)
        assert found is None or pairs(found) == django_s("multipart/form-data; boundary=b", damaged)


GOOD = form_of([("sequence_id", None, b"7"), ("audio", "x.wav", b"RIFF")])


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("multipart/form-data", GOOD),
        ("multipart/form-data; boundary=", GOOD),
        ("multipart/form-data; boundary=other", GOOD),
        ("multipart/form-data; charset=utf-8; boundary=b", GOOD),
        ("multipart/mixed; boundary=b", GOOD),
        ("multipart/form-data; boundary=b", b""),
        ("multipart/form-data; boundary=b", b"preamble\r\n" + GOOD),
        ("multipart/form-data; boundary=b", GOOD + b"epilogue"),
        ("multipart/form-data; boundary=b", GOOD.replace(b"\r\n", b"\n")),
        ("multipart/form-data; boundary=b", GOOD.replace(b'name="audio"', b"name=audio")),
        ("multipart/form-data; boundary=b", GOOD.replace(b"Content-Type:", b"Content-Transfer-Encoding:")),
        ("multipart/form-data; boundary=b", GOOD.replace(b"x.wav", b"../../etc/passwd")),
        ("multipart/form-data; boundary=b", form_of([("n", None, b"1")] * 17)),
    ],
)  # fmt: skip
def test_what_is_unusual_is_left_to_django(content_type: str, body: bytes) -> None:
    assert plain_form(content_type, body) is None


def test_a_boundary_in_quotes_is_plain() -> None:
    found = plain_form('multipart/form-data; boundary="b"', GOOD)
    assert found is not None
    assert pairs(found) == [("sequence_id", "7"), ("audio", (b"RIFF", 4))]
