"""Every page of the admin, with the objects of a council filled in."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.contrib import admin
from django.contrib.admin import ModelAdmin
from django.contrib.auth.models import User
from django.contrib.contenttypes.models import ContentType
from django.db import models
from django.urls import URLPattern, URLResolver, get_resolver

from sessions_app.models import Session
from tenants.models import Tenant
from tests.isolation.walls import one_of
from tests.people import Person

PARTS = ("document", "evidence", "audit-report")
_PARAMETER = re.compile(r"<(?:\w+:)?(\w+)>|\(\?P<(\w+)>(?:[^()]|\([^()]*\))*\)")


@dataclass(frozen=True)
class Page:
    """An address of the admin: whose page it is (None for the site's own), and the row that it is about, if any."""

    address: str
    model_admin: ModelAdmin[Any] | None
    key: str | None


class ParameterUnknown(AssertionError):
    """A page takes something that this walk does not know how to fill: say it here, so that it is tried."""


def every_page(owner: Person, user: User) -> Iterator[Page]:
    """Each address under /admin/, about rows of the owner's council or about its user."""
    for route in _routes(get_resolver()):
        if route.startswith("admin/"):
            yield from _filled(route, owner, user)


def _routes(resolver: URLResolver, prefix: str = "") -> Iterator[str]:
    for entry in resolver.url_patterns:
        route = prefix + str(entry.pattern)
        if isinstance(entry, URLPattern):
            yield route
        else:
            yield from _routes(entry, route)


def _filled(route: str, owner: Person, user: User) -> Iterator[Page]:
    model_admin = next((one for one in admin.site._registry.values() if route.startswith(_root(one.model))), None)
    names = [first or second for first, second in _PARAMETER.findall(route)]
    key = _key(model_admin.model if model_admin else Session, owner, user)
    keys = ("id", "object_id", "session_id", "council_id", "client_id", "version_id")
    known: dict[str, list[str]] = {
        **{name: [key] for name in keys},
        "part": list(PARTS),
        "content_type_id": [str(ContentType.objects.get_for_model(Session).pk)],
        "app_label": sorted({model._meta.app_label for model in admin.site._registry}),
        "url": ["nothing/here/"],
    }
    addresses = [route]
    for name in names:
        if name not in known:
            raise ParameterUnknown(f"{route}: {name}")
        addresses = [
            _PARAMETER.sub(lambda _, value=value: value, address, count=1)  # type: ignore[misc]  # mypy: default of a lambda
            for address in addresses
            for value in known[name]
        ]
    has_key = bool(set(keys) & set(names))
    for address in addresses:
        plain = re.sub(r"[\^$\\]|\?:?", "", address)
        yield Page("/" + plain, model_admin, key if has_key else None)


def _root(model: type[models.Model]) -> str:
    return f"admin/{model._meta.app_label}/{model._meta.model_name}/"


def _key(model: type[models.Model], owner: Person, user: User) -> str:
    if issubclass(model, Tenant):
        return str(owner.tenant_id)
    if issubclass(model, User):
        return str(user.pk)
    if not any(field.name == "tenant" for field in model._meta.fields):
        return "1"
    key = one_of(model, owner.tenant_id)
    assert key is not None, f"Make a {model._meta.label} of the council, so that its pages are tried."
    return str(key)
