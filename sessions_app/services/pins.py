"""What a session has pinned, as the pure parts want it."""

from __future__ import annotations

from sessions_app.corrections import Pins
from sessions_app.models import Session
from tenants.skeleton.model import PlaceholderKind


def pins_of(session: Session) -> Pins:
    """Return templates, tables and places that a session can use, by its pinned configuration and skeleton."""
    content = session.config_version.content
    kinds = {found["tag"]: found["kind"] for found in session.skeleton_version.placeholders}
    zones = frozenset(tag for tag, kind in kinds.items() if kind == PlaceholderKind.BLOCK_ZONE)
    images = frozenset(tag for tag, kind in kinds.items() if kind == PlaceholderKind.IMAGE)
    own = content.get("intents", {})
    return Pins(
        templates={name: template["label"] for name, template in content["templates"].items()},
        zone_map=content["zone_map"],
        default_zone=content["default_zone"],
        tables={intent: table["table_id"] for intent, table in content.get("table_map", {}).items()},
        zones=zones | {content["default_zone"], *content["zone_map"].values()},
        image_zones=images | zones,
        own_templates={intent: spec["template_id"] for intent, spec in own.items()},
        own_labels={intent: spec["label"] for intent, spec in own.items() if spec.get("label")},
    )
