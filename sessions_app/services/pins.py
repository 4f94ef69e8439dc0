"""What a session has pinned, as the pure parts want it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sessions_app.corrections import Pins
from sessions_app.models import Session
from tenants.config_service.service import pinned_config
from tenants.skeleton.model import PlaceholderKind


def config_content_of(session: Session) -> Mapping[str, Any]:
    """Return the content of the configuration that a session has pinned, shared by all who ask: never change it.

    It is read for every chunk, so it comes from memory; the session's row is enough to find it.
    """
    return pinned_config(session.config_version_id).content


def pins_of(session: Session) -> Pins:
    """Return templates, tables and places that a session can use, by its pinned configuration and skeleton."""
    content = config_content_of(session)
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
