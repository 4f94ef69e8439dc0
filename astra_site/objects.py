"""Downloads from the local object store by signed, expiring links (an S3 store answers its own presigned links)."""

from __future__ import annotations

from django.http import FileResponse, HttpRequest, HttpResponse, JsonResponse

from astra_site.lib.errors import AstraError
from astra_site.lib.object_store import object_store, read_download_token


def download_object(request: HttpRequest, token: str) -> HttpResponse | FileResponse:
    """Stream the object that a link from `presigned_get` names; `403` for a wrong or expired one."""
    try:
        bucket, key = read_download_token(token)
        body = object_store().open(bucket, key)
    except AstraError as error:
        return JsonResponse({"code": error.code, "detail": error.message}, status=403, content_type="application/problem+json")
    response = FileResponse(body, as_attachment=True, filename=key.rsplit("/", 1)[-1])
    response["Content-Security-Policy"] = "sandbox"
    response["Cache-Control"] = "private, no-store"
    return response
