"""What a role stands for outside of the admin: the scopes that a token of such a person should carry."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from tenants.models import Role

SCOPES_OF_ROLE: Final[Mapping[str, tuple[str, ...]]] = {
    Role.VIEWER: ("sessions:read", "jobs:read", "config:read"),
    Role.CLERK: ("sessions:read", "sessions:write", "jobs:read", "jobs:write", "config:read"),
    Role.ADMIN: ("sessions:read", "sessions:write", "sessions:admin", "jobs:read", "jobs:write", "config:read"),
}
ALL_SCOPES: Final = SCOPES_OF_ROLE[Role.ADMIN]
