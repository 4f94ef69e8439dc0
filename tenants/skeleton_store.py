"""Reading back what was uploaded, byte for byte."""

from __future__ import annotations

from astra_site.lib.hashing import Sha256
from astra_site.lib.object_store import Bucket, object_store
from tenants.models import SkeletonVersion
from tenants.skeleton.errors import SkeletonAltered


def read_skeleton_version(version: SkeletonVersion) -> bytes:
    """Return the Word document of a version, exactly as it was uploaded.

    Raises `SkeletonAltered` if what is stored has another hash, and the store's errors (`ObjectMissing`,
    `ObjectStoreUnavailable`).
    """
    docx = object_store().get(Bucket.SKELETONS, version.object_key, version_id=version.s3_version_id or None)
    found = str(Sha256.of(docx))
    if found != version.sha256:
        raise SkeletonAltered(
            "skeleton_altered",
            "The stored skeleton is not the one that was uploaded.",
            details={"expected": version.sha256, "found": found},
        )
    return docx
