"""Reading single blocks, and what was done to them."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema, extend_schema_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from astra_site.lib.api import AstraAPIView, require_scope
from sessions_app.services import corrections, edit_history

READ = "sessions:read"
_MAX_NUMBER = 2**31 - 1


@extend_schema_serializer(component_name="BlockRevision")
class RevisionOutput(serializers.Serializer[edit_history.Revision]):
    """One entry of a history."""

    number = serializers.IntegerField()
    at = serializers.DateTimeField()
    operation = serializers.CharField(help_text="A correction's operation, or the kind of the entry that made it.")
    actor = serializers.CharField(allow_null=True)
    edit_id = serializers.CharField(allow_null=True)
    before = serializers.ListField(child=serializers.DictField())
    after = serializers.ListField(child=serializers.DictField())


class BlockView(AstraAPIView):
    """One block."""

    permission_classes = (require_scope(READ),)

    @extend_schema(
        operation_id="block_detail", summary="A block", tags=["corrections"], responses={200: {"type": "object"}}
    )
    def get(self, request: Request, session_id: UUID, block_id: str) -> Response:
        """Return a block as it is now, with its revision as entity tag."""
        block = corrections.current_block(session_id, block_id)
        return Response(dict(block), headers={"ETag": f'"{block["revision"]}"'})


class BlockHistoryView(AstraAPIView):
    """The history of one block."""

    permission_classes = (require_scope(READ),)

    @extend_schema(
        operation_id="block_history",
        summary="A block's history",
        tags=["corrections"],
        responses={200: RevisionOutput(many=True)},
    )
    def get(self, request: Request, session_id: UUID, block_id: str) -> Response:
        """List all that happened to a block, its forebears before a cut or a merge included."""
        return Response([RevisionOutput(one).data for one in edit_history.history_of(session_id, block_id)])


class SessionEditsView(AstraAPIView):
    """The corrections of a session."""

    permission_classes = (require_scope(READ),)

    @extend_schema_serializer(component_name="SessionEditsQuery")
    class Input(serializers.Serializer[Any]):
        """Which part."""

        after = serializers.IntegerField(min_value=0, max_value=_MAX_NUMBER, default=0, help_text="Behind this entry.")
        limit = serializers.IntegerField(min_value=1, max_value=edit_history.EDITS_PER_PAGE, default=100)

    @extend_schema_serializer(component_name="SessionEdits")
    class Output(serializers.Serializer[Any]):
        """Corrections in the order in which they were made."""

        edits = RevisionOutput(many=True)
        next_after = serializers.IntegerField(allow_null=True, help_text="Ask for what is behind it; null: no more.")

    @extend_schema(
        operation_id="session_edits",
        summary="A session's corrections",
        tags=["corrections"],
        parameters=[Input],
        responses=Output,
    )
    def get(self, request: Request, session_id: UUID) -> Response:
        """List who corrected what and when, before and after."""
        given = self.Input(data=request.query_params)
        given.is_valid(raise_exception=True)
        values = given.validated_data
        edits = edit_history.edits_of(session_id, after=values["after"], limit=values["limit"])
        more = edits[-1].number if len(edits) == values["limit"] else None
        return Response(self.Output({"edits": edits, "next_after": more}).data)
