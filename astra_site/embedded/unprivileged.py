"""PostgreSQL refuses to run as root, so a root checkout runs it under an unprivileged account.

Nothing of the user's is chmod'ed for that. Where the checkout lies in a folder that the account can't enter (such as
`/root`), the server keeps the one capability that lets it through, by util-linux's `setpriv`.
"""

from __future__ import annotations

import os
import pwd
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from astra_site.embedded.errors import EmbeddedServerFailed
from astra_site.embedded.folders import outsiders_can_enter

_ACCOUNTS = ("postgres", "nobody")


@dataclass(frozen=True, slots=True)
class RunAs:
    """The account for a server. `ids` is None for "as we are"; `prefix` goes before the command."""

    ids: tuple[int, int] | None
    prefix: tuple[str, ...] = ()

    @property
    def process_ids(self) -> tuple[int, int] | None:
        """What `subprocess` must switch to itself: nothing when the prefix does it."""
        return None if self.prefix else self.ids


def choose_account(data_folder: Path, must_enter: Sequence[Path]) -> RunAs:
    """Say how to run a server that refuses root, so that it can enter all of `must_enter`.

    The owner of existing data is kept. Raises `EmbeddedServerFailed` (`embedded_server_needs_user`) if root has no way.
    """
    if os.geteuid() != 0:
        return RunAs(None)
    account = _account_of(data_folder)
    ids = (account.pw_uid, account.pw_gid)
    if all(outsiders_can_enter(path) for path in must_enter):
        return RunAs(ids)
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        raise EmbeddedServerFailed(
            "embedded_server_needs_user",
            "PostgreSQL can't run as root, and other accounts can't enter this folder: work as a normal user, "
            "or move the checkout out of root's home.",
        )
    keep = "+dac_override"
    switch = (
        f"--reuid={ids[0]}",
        f"--regid={ids[1]}",
        "--clear-groups",
        f"--inh-caps={keep}",
        f"--ambient-caps={keep}",
    )
    return RunAs(ids, (setpriv, *switch))


def _account_of(data_folder: Path) -> pwd.struct_passwd:
    if data_folder.exists() and data_folder.stat().st_uid != 0:
        return pwd.getpwuid(data_folder.stat().st_uid)
    for name in _ACCOUNTS:
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise EmbeddedServerFailed(
        "embedded_server_needs_user", f"PostgreSQL can't run as root and none of the accounts {_ACCOUNTS} exists."
    )
