"""The assets application: images of a session (`assets.images`); it has no tables yet."""

from __future__ import annotations

from django.apps import AppConfig


class AssetsConfig(AppConfig):
    name = "assets"
