"""What the quota commands have in common: the council's name, amounts in hours and gigabytes."""

from __future__ import annotations

import getpass
from argparse import ArgumentParser, ArgumentTypeError
from decimal import Decimal, InvalidOperation

from django.core.management.base import CommandError

from tenants.models import Tenant


def amount(text: str) -> Decimal:
    """Return a number that is not negative."""
    try:
        number = Decimal(text)
    except InvalidOperation as error:
        raise ArgumentTypeError(f"{text!r} is no number") from error
    if not number.is_finite() or number < 0:
        raise ArgumentTypeError("must be 0 or more")
    return number


def limit(text: str) -> Decimal | None:
    """Return a number that is not negative, or None for `none`."""
    return None if text == "none" else amount(text)


def add_note(parser: ArgumentParser) -> None:
    """Declare who did it and why, which the ledger keeps."""
    parser.add_argument("--note", required=True, help="why: contract, invoice, person who asked")
    parser.add_argument("--actor", default=f"command:{getpass.getuser()}", help="who, as the ledger names it")


def council(slug: str) -> Tenant:
    """Return the council of a short name; raise `CommandError` where there is none."""
    tenant = Tenant.objects.filter(slug=slug).first()
    if tenant is None:
        raise CommandError(f"There is no tenant {slug!r}.")
    return tenant
