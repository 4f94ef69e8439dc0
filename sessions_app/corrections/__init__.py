"""What a clerk's correction does to blocks. Pure: blocks in, blocks out."""

from sessions_app.corrections.operations import (
    Correction,
    Edit,
    Merge,
    Move,
    Operation,
    Pins,
    Restrict,
    Retype,
    Split,
)

__all__ = ["Correction", "Edit", "Merge", "Move", "Operation", "Pins", "Restrict", "Retype", "Split"]
