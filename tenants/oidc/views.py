"""The three addresses of signing in by OpenID Connect: there, back, and out. Every refusal is a page that says why."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.contrib import admin
from django.contrib.auth import BACKEND_SESSION_KEY, logout
from django.core.exceptions import SuspiciousOperation
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.views import View
from mozilla_django_oidc.views import OIDCAuthenticationCallbackView, OIDCAuthenticationRequestView

from astra_site.lib.clock import utc_now
from astra_site.lib.error_texts import explain
from astra_site.lib.errors import AstraError, ErrorKind
from tenants.errors import SignInInvalid, SignInRefused
from tenants.oidc.backend import BACKEND
from tenants.oidc.provider import openid_provider
from tenants.rates import address_of, check_rate

logger = logging.getLogger(__name__)
_ANSWER_WITHIN_S = 900
"""How long a sign-in that was begun may take, and what is stored for it is kept."""
_STATUS = {
    ErrorKind.FORBIDDEN: 403,
    ErrorKind.UNAUTHENTICATED: 400,
    ErrorKind.RATE_LIMITED: 429,
    ErrorKind.UNAVAILABLE: 503,
}
_BEGUN_PER_S, _BEGUN_AT_ONCE = 1, 60
"""Sign-ins that are begun from one address, which may be that of a whole town hall. Each stores a session."""


class SignInView(OIDCAuthenticationRequestView):  # type: ignore[misc]  # mozilla-django-oidc ships no types
    """Sends the person to the provider, with state, nonce and PKCE challenge of mozilla-django-oidc."""

    def __init__(self, **kwargs: Any) -> None:
        """Ask the provider nothing yet, so that its failing can be answered."""
        View.__init__(self, **kwargs)
        self.OIDC_RP_CLIENT_ID = settings.OIDC_RP_CLIENT_ID

    def get(self, request: HttpRequest) -> HttpResponse:
        """Redirect to the provider, or say that it is down, or that too many sign-ins are begun from here."""
        _must_be_on()
        try:
            check_rate("sign-in", address_of(request), rate_per_s=_BEGUN_PER_S, burst=_BEGUN_AT_ONCE)
            self.OIDC_OP_AUTH_ENDPOINT = openid_provider().endpoints().authorization
            answer: HttpResponse = super().get(request)
        except AstraError as error:
            return refusal(request, error)
        if not request.user.is_authenticated:
            request.session.set_expiry(_ANSWER_WITHIN_S)
        return answer


class CallbackView(OIDCAuthenticationCallbackView):  # type: ignore[misc]  # mozilla-django-oidc ships no types
    """Takes the person back from the provider, and lets in whom its claims let in."""

    def get(self, request: HttpRequest) -> HttpResponse:
        """Sign the person in, or say why not."""
        _must_be_on()
        try:
            if request.GET.get("state") not in request.session.get("oidc_states", {}):
                raise _state_unknown()
            answer: HttpResponse = super().get(request)
        except AstraError as error:
            return refusal(request, error)
        except SuspiciousOperation:
            return refusal(request, _state_unknown())
        return answer

    def login_success(self) -> HttpResponse:
        """Go on to the page that was wanted, until the claims have to be read again."""
        before = self.request.user
        if before.is_authenticated and before.pk != self.user.pk:
            # Another person's session ends whole; what this sign-in has put there is for who comes now.
            kept = {name: self.request.session.get(name) for name in ("oidc_id_token", "oidc_login_next")}
            logout(self.request)
            self.request.session.update(kept)
        answer: HttpResponse = super().login_success()
        self.request.session.set_expiry(utc_now() + timedelta(seconds=settings.OIDC_SESSION_S))
        return answer

    def login_failure(self) -> HttpResponse:
        """Say that the provider sent nobody."""
        return refusal(self.request, SignInRefused("oidc_refused", "The identity provider did not sign anybody in."))


class SignOutView(View):
    """The admin's "Log out": for persons of the provider also there, so that the next one has to sign in."""

    http_method_names = ["post", "get"]

    def get(self, request: HttpRequest) -> HttpResponse:
        """Leave it to the admin, which takes this as a form only."""
        return admin.site.logout(request)

    def post(self, request: HttpRequest) -> HttpResponse:
        """End the session here, and then at the provider if it has an address for that and answers."""
        id_token = request.session.get("oidc_id_token")
        if request.session.get(BACKEND_SESSION_KEY) != BACKEND or not id_token or not settings.OIDC_ISSUER:
            return admin.site.logout(request)
        logout(request)
        try:
            address = openid_provider().endpoints().end_session
        except AstraError as error:
            logger.warning("Signed out here only: %s", error.message)
            address = ""
        back = request.build_absolute_uri(reverse("admin:login"))
        said = {"id_token_hint": id_token, "post_logout_redirect_uri": back, "client_id": settings.OIDC_RP_CLIENT_ID}
        return HttpResponseRedirect(f"{address}?{urlencode(said)}" if address else back)


def refusal(request: HttpRequest, error: AstraError) -> HttpResponse:
    """Return the page for whoever is not let in: why, and how else."""
    logger.warning("Sign-in by the identity provider refused: %s (%s)", error.code, error.message)
    context = {**admin.site.each_context(request), "title": "", "why": explain(error), "code": error.code}
    status = _STATUS.get(error.kind, 500)
    answer = TemplateResponse(request, "admin/oidc_refused.html", context, status=status)
    answer["Cache-Control"] = "no-store"
    return answer


def _must_be_on() -> None:
    if not settings.OIDC_ISSUER:
        raise Http404


def _state_unknown() -> SignInInvalid:
    return SignInInvalid("oidc_state_unknown", "This answer belongs to no sign-in that was begun in this browser.")
