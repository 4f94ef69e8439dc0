"""Downloads from the local object store by signed, expiring links (an S3 store answers its own presigned links)."""

from __future__ import annotations

import asyncio
import mimetypes
from collections.abc import AsyncIterator
from typing import BinaryIO

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.utils.http import content_disposition_header

from astra_site.lib.errors import AstraError
from astra_site.lib.object_store import Bucket, ObjectMissing, StoredObject, object_store, read_download_token
from astra_site.lib.problems import plain_problem_of

_PIECE_BYTES = 256 * 1024


async def download_object(request: HttpRequest, token: str) -> HttpResponse | StreamingHttpResponse:
    """Stream the object that a link from `presigned_get` names; memory stays flat.

    `403` for a forged or expired link, `404` for an object that is gone.
    """
    try:
        bucket, key = read_download_token(token)
        stored, body = await asyncio.to_thread(_open, bucket, key)
    except AstraError as error:
        return plain_problem_of(error)
    name = key.rsplit("/", 1)[-1]
    response = StreamingHttpResponse(
        _pieces(body), content_type=mimetypes.guess_type(name)[0] or "application/octet-stream"
    )
    response["Content-Length"] = str(stored.size_bytes)
    response["Content-Disposition"] = content_disposition_header(True, name) or "attachment"
    response["Content-Security-Policy"] = "sandbox"
    response["Cache-Control"] = "private, no-store"
    return response


def _open(bucket: Bucket, key: str) -> tuple[StoredObject, BinaryIO]:
    stored = object_store().head(bucket, key)
    if stored is None:
        raise ObjectMissing("object_missing", "This object is not there any more.")
    return stored, object_store().open(bucket, key)


async def _pieces(body: BinaryIO) -> AsyncIterator[bytes]:
    try:
        while piece := await asyncio.to_thread(body.read, _PIECE_BYTES):
            yield piece
    finally:
        body.close()
