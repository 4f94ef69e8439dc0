"""Sending objects to S3 so that the service checks every byte it received (`Content-MD5`, which all of them know)."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from typing import Any, BinaryIO

from botocore.exceptions import BotoCoreError, ClientError

_MOST_PARTS = 10_000


def put_whole(client: Any, bucket: str, key: str, data: bytes, attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Send an object in one request and return the service's answer; a body damaged on its way is refused there."""
    answer: dict[str, Any] = client.put_object(Bucket=bucket, Key=key, Body=data, ContentMD5=_md5(data), **attributes)
    return answer


def put_in_parts(
    client: Any, bucket: str, key: str, body: BinaryIO, size_bytes: int, part_bytes: int, attributes: Mapping[str, Any]
) -> dict[str, Any]:
    """Send a stream part by part, one in memory, each with its checksum; return the answer that completed the object.

    All of it or nothing: after a failure the parts sent so far are given up.
    """
    upload_id = client.create_multipart_upload(Bucket=bucket, Key=key, **attributes)["UploadId"]
    named = {"Bucket": bucket, "Key": key, "UploadId": upload_id}
    part_bytes = max(part_bytes, -(-size_bytes // _MOST_PARTS))
    parts: list[dict[str, Any]] = []
    try:
        while data := _full_read(body, part_bytes):
            number = len(parts) + 1
            sent = client.upload_part(**named, PartNumber=number, Body=data, ContentMD5=_md5(data))
            parts.append({"PartNumber": number, "ETag": sent["ETag"]})
        answer: dict[str, Any] = client.complete_multipart_upload(**named, MultipartUpload={"Parts": parts})
    except (ClientError, BotoCoreError, OSError):
        client.abort_multipart_upload(**named)
        raise
    return answer


def _full_read(body: BinaryIO, size_bytes: int) -> bytes:
    """Read exactly so many bytes, fewer at the end only: a stream may give less at a time, a part may not be short."""
    pieces, missing = [], size_bytes
    while missing and (piece := body.read(missing)):
        pieces.append(piece)
        missing -= len(piece)
    return b"".join(pieces)


def _md5(data: bytes) -> str:
    """The header's value: a guard against accidents on the way, not against people."""
    return base64.b64encode(hashlib.md5(data, usedforsecurity=False).digest()).decode("ascii")
