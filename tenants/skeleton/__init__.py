"""Reading a council's Word skeleton: safe opening, placeholders, outline. Pure: bytes in, values out."""

from tenants.skeleton.model import Placeholder, PlaceholderKind, PlaceholderSource, Skeleton, SkeletonWarning
from tenants.skeleton.package import Package, open_package
from tenants.skeleton.parser import parse_skeleton
from tenants.skeleton.unpacking import PackageLimits

__all__ = [
    "Package",
    "PackageLimits",
    "Placeholder",
    "PlaceholderKind",
    "PlaceholderSource",
    "Skeleton",
    "SkeletonWarning",
    "open_package",
    "parse_skeleton",
]
