"""What is said to whoever asks for more than is left."""

from __future__ import annotations

from astra_site.lib.errors import AstraError
from tenants.errors import QuotaExhausted, StorageQuotaExhausted
from tenants.models import Resource
from tenants.quota.standing import Standing


def refusal(resource: Resource, amount: int, left: int, standing: Standing) -> AstraError:
    """Return the error of a resource of which too little is left."""
    there = max(0, left)
    if resource == Resource.AI_MS:
        return QuotaExhausted(
            "quota_exhausted",
            f"The council's AI time is used up: this input needs {amount / 1000:.0f} s, {there / 1000:.0f} s are left. "
            "The audio is kept. Ask the platform's staff for a top-up, or wait for the next month.",
            details={"needed_s": amount / 1000, "left_s": there / 1000, "month": standing.period},
        )
    return StorageQuotaExhausted(
        "storage_quota_exhausted",
        "The council's storage is used up: no new sessions and files are taken; sessions that are running go on. "
        "Ask the platform's staff for more.",
        details={"needed_bytes": amount, "left_bytes": there},
    )
