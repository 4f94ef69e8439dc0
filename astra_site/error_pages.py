"""What Django itself answers outside of every view: problem JSON for the API, its plain pages for people."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.views import defaults

from astra_site.lib.problems import INTERNAL_ERROR, plain_problem

_API = "/v1/"


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer an address that does not exist."""
    if not request.path.startswith(_API):
        return defaults.page_not_found(request, exception)
    return plain_problem(404, "not_found", "There is nothing at this address.")


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer a programming error; what it was stands in the log under the same trace id."""
    if not request.path.startswith(_API):
        return defaults.server_error(request)
    return plain_problem(500, *INTERNAL_ERROR)
