"""Taking an abandoned session back."""

from __future__ import annotations

from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from astra_site.lib.api import AstraAPIView, require_scope
from sessions_app.api.serializers import SessionOutput
from sessions_app.services.graveyard import resume_session

ADMIN = "sessions:admin"


class SessionResumeView(AstraAPIView):
    """Resume an abandoned session: for staff, not for the client that let it lie."""

    permission_classes = (require_scope(ADMIN),)

    @extend_schema(
        operation_id="session_resume",
        summary="Resume an abandoned session",
        tags=["sessions"],
        request=None,
        responses=SessionOutput,
    )
    def post(self, request: Request, session_id: UUID) -> Response:
        """Open an abandoned session again, with everything it had; needs the scope `sessions:admin`.

        What was put away is compared with the journal first (`409 graveyard_…` where they differ). Repeating the call
        is harmless; a session that is neither abandoned nor resumed is answered with `409 session_not_abandoned`.
        """
        return Response(SessionOutput(resume_session(session_id, actor=self.actor(request))).data)
