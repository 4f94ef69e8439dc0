"""What the session endpoints answer."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from sessions_app.models import Session, State
from sessions_app.services.delivery import Delivery, delivery_of
from sessions_app.services.engine import engine_label
from sessions_app.services.progress import progress_of
from sessions_app.services.waiting import what_is_left


class ModelConfigInput(serializers.Serializer[Any]):
    """Which speech engine; models and folders are the installation's."""

    provider = serializers.CharField(max_length=64, required=False, help_text="e.g. whisper; default: the site's.")


class PinnedOutput(serializers.Serializer[Session]):
    """What a session froze at its start."""

    engine = serializers.SerializerMethodField()
    adapter = serializers.SerializerMethodField(help_text="Code of CORE's adapter; empty for none.")
    model_revision = serializers.SerializerMethodField(help_text="The council's activation of models; 0 for none.")
    config_version = serializers.IntegerField(source="config_version.number")
    config_sha256 = serializers.CharField(source="config_version.sha256")
    skeleton_id = serializers.UUIDField(source="skeleton_version.skeleton_id")
    skeleton_version = serializers.IntegerField(source="skeleton_version.number")
    skeleton_sha256 = serializers.CharField(source="skeleton_version.sha256")
    s3_version_id = serializers.CharField(source="skeleton_version.s3_version_id")

    def get_engine(self, session: Session) -> str:
        """Name the speech engine and its model."""
        return engine_label(session.model_config)

    def get_adapter(self, session: Session) -> str:
        """Name the adapter."""
        return str(session.model_config.get("adapter", ""))

    def get_model_revision(self, session: Session) -> int:
        """Number the activation."""
        return int(session.model_config.get("revision", 0))


class DrainOutput(serializers.Serializer[Any]):
    """What a session waits for; lists are cut at 100 numbers."""

    pending = serializers.ListField(child=serializers.IntegerField())
    pending_count = serializers.IntegerField()
    missing = serializers.ListField(child=serializers.IntegerField())
    missing_count = serializers.IntegerField()


class ObjectCountOutput(serializers.Serializer[Any]):
    """Recordings that are in custody, of how many."""

    done = serializers.IntegerField()
    total = serializers.IntegerField()


class ProgressOutput(serializers.Serializer[Any]):
    """How far the minutes are."""

    step = serializers.CharField(allow_null=True, help_text="The step in work, waiting or failed; null at the end.")
    done = serializers.IntegerField()
    of = serializers.IntegerField()
    objects = ObjectCountOutput(allow_null=True, help_text="While recordings are handed over.")


class DeliveryOutput(serializers.Serializer[Delivery]):
    """The sealed result."""

    download_url = serializers.URLField()
    evidence_url = serializers.URLField()
    integrity_hash = serializers.CharField()
    audit_report = serializers.CharField(help_text="Address of the audit report as JSON; needs the token.")


class SessionOutput(serializers.Serializer[Session]):
    """A session as it stands now."""

    session_id = serializers.UUIDField(source="id")
    state = serializers.ChoiceField(choices=State.choices)
    mode = serializers.CharField()
    client_timezone = serializers.CharField()
    metadata = serializers.JSONField()
    started_at = serializers.DateTimeField()
    pinned = PinnedOutput(source="*")
    highest_sequence_id = serializers.IntegerField()
    is_draining = serializers.SerializerMethodField()
    drain = serializers.SerializerMethodField()
    progress = serializers.SerializerMethodField()
    job_id = serializers.UUIDField(allow_null=True)
    failure = serializers.JSONField(allow_null=True)
    parent_session_id = serializers.UUIDField(allow_null=True, help_text="The closed session that this one corrects.")
    parent_snapshot_id = serializers.UUIDField(allow_null=True, help_text="The seal that it had.")
    delivery = serializers.SerializerMethodField()

    def get_is_draining(self, session: Session) -> bool:
        """Say whether the document can't be had yet: a client keeps its buttons disabled."""
        return session.state == State.DRAINING

    def get_drain(self, session: Session) -> dict[str, Any] | None:
        """Say what a session that takes inputs waits for."""
        if session.state not in (State.OPEN, State.DRAINING):
            return None
        return dict(DrainOutput(what_is_left(session)).data)

    def get_progress(self, session: Session) -> dict[str, Any] | None:
        """Say how far the minutes are, once they are asked for and nothing is missing."""
        progress = progress_of(session)
        return dict(ProgressOutput(progress).data) if progress else None

    def get_delivery(self, session: Session) -> dict[str, Any] | None:
        """Give the sealed result of a closed session, and of no other."""
        if session.state != State.CLOSED:
            return None
        return dict(DeliveryOutput(delivery_of(session)).data)
