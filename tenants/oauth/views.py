"""`POST /v1/oauth/token`: an API client shows its secret and gets a short-lived token (RFC 6749 section 4.4)."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from django.conf import settings
from django.http import QueryDict
from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_serializer
from rest_framework import serializers
from rest_framework.parsers import FormParser
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from astra_site.lib.api import AstraAPIView
from tenants.api_clients.services import IssuedToken, authenticate_client, issue_token
from tenants.errors import ClientUnknown, ScopeRefused
from tenants.oauth.grant import GRANT_TYPE, ClientCredentials, GrantRefused, read_request, unknown_client
from tenants.rates import address_of, check_rate

_NOT_STORED: Final = {"Cache-Control": "no-store", "Pragma": "no-cache"}
_CHALLENGE: Final = {"WWW-Authenticate": 'Basic realm="astra", charset="UTF-8"'}


class TokenView(AstraAPIView):
    """Issues tokens to API clients. Errors of the grant have RFC 6749's form; all others are problem JSON."""

    authentication_classes = ()
    permission_classes = (AllowAny,)
    parser_classes = (FormParser,)

    class Input(serializers.Serializer[object]):
        """The form."""

        grant_type = serializers.ChoiceField(choices=[GRANT_TYPE])
        scope = serializers.CharField(
            required=False, help_text="Fewer scopes than the client has, with spaces between."
        )

    @extend_schema_serializer(component_name="AccessToken")
    class Output(serializers.Serializer[object]):
        """A token."""

        access_token = serializers.CharField(help_text="Send it as `Authorization: Bearer <token>`.")
        token_type = serializers.ChoiceField(choices=["Bearer"])
        expires_in = serializers.IntegerField(help_text="Seconds from now.")
        scope = serializers.CharField()

    @extend_schema_serializer(component_name="TokenRefusal")
    class Refusal(serializers.Serializer[object]):
        """What was wrong, in the words of RFC 6749."""

        error = serializers.ChoiceField(
            choices=["invalid_request", "invalid_client", "unsupported_grant_type", "invalid_scope"]
        )
        error_description = serializers.CharField()

    @extend_schema(
        operation_id="oauth_token",
        summary="Get a token as an API client",
        tags=["tokens"],
        request={"application/x-www-form-urlencoded": Input},
        responses={200: Output, 400: Refusal, 401: Refusal},
        auth=[{"clientSecret": []}],  # type: ignore[list-item]  # drf-spectacular: its own type is too narrow
        examples=[
            OpenApiExample(
                "token",
                value={"access_token": "eyJ…", "token_type": "Bearer", "expires_in": 900, "scope": "sessions:read"},
                response_only=True,
                status_codes=["200"],
            )
        ],
    )
    def post(self, request: Request) -> Response:
        """Check the client's id and secret (`Authorization: Basic`) and issue a token."""
        address = address_of(request)
        try:
            asked = read_request(request.headers.get("authorization", ""), _form(request))
            return _answer(_issued(asked, address))
        except GrantRefused as error:
            said = {"error": error.error, "error_description": error.description}
            headers = {**_NOT_STORED, **(_CHALLENGE if error.status == 401 else {})}
            return Response(said, error.status, headers=headers)


def _issued(asked: ClientCredentials, address: str) -> IssuedToken:
    _check_rate(asked.client_id, address)
    try:
        return issue_token(authenticate_client(asked.client_id, asked.secret), asked.scopes, address=address)
    except ClientUnknown as error:
        raise unknown_client() from error
    except ScopeRefused as error:
        raise GrantRefused("invalid_scope", error.message) from error


def _answer(issued: IssuedToken) -> Response:
    token = {
        "access_token": issued.access_token,
        "token_type": "Bearer",
        "expires_in": issued.expires_in_s,
        "scope": " ".join(issued.scopes),
    }
    return Response(token, headers=_NOT_STORED)


def _form(request: Request) -> QueryDict:
    data: Any = request.data
    return data if isinstance(data, QueryDict) else QueryDict()


def _check_rate(client_id: str, address: str) -> None:
    """Raise `RateLimited` for a client that asks too often from one address. Ids that are none share one bucket."""
    try:
        client = str(UUID(client_id))
    except ValueError:
        client = "unknown"
    check_rate(f"token:{client}", address, rate_per_s=settings.TOKEN_RATE_PER_S, burst=settings.TOKEN_RATE_BURST)
