"""Correcting blocks: one address per operation, the same answer from all of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, TypeVar
from uuid import UUID

from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema, extend_schema_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from astra_site.lib.api import AstraAPIView, require_scope
from sessions_app.corrections import Correction, Edit, Merge, Move, Operation, Restrict, Retype, Split
from sessions_app.corrections.wording import MAX_BLOCK_CHARS
from sessions_app.errors import CorrectionInvalid
from sessions_app.services import corrections

_Method = TypeVar("_Method", bound=Callable[..., Response])
_ZONE = r"^[A-Z][A-Z0-9_]{1,63}$"
_MAX_REVISION = 2**31 - 1


class BaseInput(serializers.Serializer[Any]):
    """On what the correction is based, and what the client calls it."""

    revision = serializers.IntegerField(
        min_value=1,
        max_value=_MAX_REVISION,
        required=False,
        help_text="The block's revision as the person saw it. The header If-Match does as well.",
    )
    edit_id = serializers.CharField(
        max_length=64,
        required=False,
        help_text="Your own name for this correction: sent again, it is answered as before. The header "
        "Idempotency-Key does as well.",
    )


@extend_schema_serializer(component_name="Corrected")
class CorrectedOutput(serializers.Serializer[corrections.Corrected]):
    """What a correction came to."""

    operation = serializers.CharField()
    number = serializers.IntegerField(allow_null=True, help_text="The journal's entry; null: nothing had to change.")
    repeated = serializers.BooleanField(source="is_repeat")
    blocks = serializers.ListField(child=serializers.DictField(), help_text="The blocks as they are now.")
    removed = serializers.ListField(child=serializers.CharField(), help_text="Ids of blocks that are no more.")


def _documented(
    verb: str, summary: str, given: type[BaseInput], *examples: OpenApiExample
) -> Callable[[_Method], _Method]:
    headers = [
        OpenApiParameter("If-Match", str, OpenApiParameter.HEADER, description='The block\'s revision, e.g. `"17"`.'),
        OpenApiParameter("Idempotency-Key", str, OpenApiParameter.HEADER, description="The client's own name for it."),
    ]
    documented: Callable[[_Method], _Method] = extend_schema(
        operation_id=f"block_{verb}",
        summary=summary,
        tags=["corrections"],
        parameters=headers,
        request=given,
        responses={200: CorrectedOutput},
        examples=list(examples),
    )
    return documented


def _example(name: str, **value: Any) -> OpenApiExample:
    return OpenApiExample(name, request_only=True, value={"revision": 17, **value})


class CorrectionView(AstraAPIView):
    """Base of the operations: reads the revision and the client's name for it, and answers what became of the block."""

    permission_classes = (require_scope("sessions:write"),)
    Input: ClassVar[type[BaseInput]] = BaseInput

    def operation_from(self, values: dict[str, Any]) -> tuple[Operation, dict[str, int]]:
        """Return the operation, and the revisions of further blocks."""
        raise NotImplementedError

    def correct(self, request: Request, session_id: UUID, block_id: str) -> Response:
        """Parse, correct and answer; the new revision of the first block is its entity tag."""
        given = self.Input(data=request.data)
        given.is_valid(raise_exception=True)
        values = given.validated_data
        operation, based_on = self.operation_from(values)
        revision = values.get("revision") or _if_match(request)
        if revision is not None:
            based_on[block_id] = revision
        edit_id = values.get("edit_id") or request.headers.get("Idempotency-Key")
        correction = Correction(block_id, operation, based_on, edit_id)
        done = corrections.correct(session_id, correction, actor=self.actor(request))
        return Response(CorrectedOutput(done).data, headers={"ETag": f'"{done.blocks[0]["revision"]}"'})


def _if_match(request: Request) -> int | None:
    tag = request.headers.get("If-Match")
    if tag is None:
        return None
    revision = tag.removeprefix("W/").strip('"')
    if not (revision.isascii() and revision.isdigit() and len(revision) < 10):
        raise CorrectionInvalid("revision_invalid", 'If-Match holds one revision of the block, for example "17".')
    return int(revision)


class BlockEditView(CorrectionView):
    """Other words, another speaker, another topic."""

    @extend_schema_serializer(component_name="BlockEdit")
    class Input(BaseInput):
        """Only the given fields change."""

        text = serializers.CharField(
            max_length=MAX_BLOCK_CHARS, required=False, allow_blank=True, trim_whitespace=False
        )
        speaker = serializers.CharField(max_length=200, required=False, allow_null=True)
        topic = serializers.CharField(max_length=300, required=False, allow_null=True)

    def operation_from(self, values: dict[str, Any]) -> tuple[Operation, dict[str, int]]:
        """Return the edit."""
        return Edit({name: values[name] for name in ("text", "speaker", "topic") if name in values}), {}

    @_documented(
        "edit",
        "Correct a block's words",
        Input,
        _example("Words", text="Se abre la sesión ordinaria."),
        _example("Who spoke", speaker="Concejala Gloria Murillo"),
    )
    def post(self, request: Request, session_id: UUID, block_id: str) -> Response:
        """Change text, speaker or topic. Words typed for audio that has none finish its block."""
        return self.correct(request, session_id, block_id)


class BlockSplitView(CorrectionView):
    """Two blocks out of one."""

    @extend_schema_serializer(component_name="BlockSplit")
    class Input(BaseInput):
        """Where."""

        at = serializers.IntegerField(
            min_value=0,
            max_value=MAX_BLOCK_CHARS,
            help_text="With which character of the text the second block begins, counted in Unicode code points "
            "from 0 (JavaScript: [...text.slice(0, caret)].length).",
        )

    def operation_from(self, values: dict[str, Any]) -> tuple[Operation, dict[str, int]]:
        """Return the split."""
        return Split(values["at"]), {}

    @_documented("split", "Cut a block in two", Input, _example("After 28 characters", at=28))
    def post(self, request: Request, session_id: UUID, block_id: str) -> Response:
        """Cut a block, and its audio with it: between two words where their times are known."""
        return self.correct(request, session_id, block_id)


class BlockMergeView(CorrectionView):
    """One block out of two."""

    @extend_schema_serializer(component_name="BlockMerge")
    class Input(BaseInput):
        """With which neighbour."""

        other_block_id = serializers.CharField(max_length=40, help_text="The block right before or behind it.")
        other_revision = serializers.IntegerField(min_value=1, max_value=_MAX_REVISION)
        joined_by = serializers.ChoiceField(
            choices=[" ", "", "\n"],
            default=" ",
            help_text="What is put between the two texts; a line break makes two paragraphs.",
        )

    def operation_from(self, values: dict[str, Any]) -> tuple[Operation, dict[str, int]]:
        """Return the merge."""
        other = values["other_block_id"]
        return Merge(other, values["joined_by"]), {other: values["other_revision"]}

    @_documented(
        "merge", "Put two blocks together", Input, _example("With 7.2", other_block_id="7.2", other_revision=17)
    )
    def post(self, request: Request, session_id: UUID, block_id: str) -> Response:
        """Put a block and its neighbour together. What comes first in the document gives id, place and meaning."""
        return self.correct(request, session_id, block_id)


class BlockMoveView(CorrectionView):
    """Another place."""

    @extend_schema_serializer(component_name="BlockMove")
    class Input(BaseInput):
        """Where to: exactly one of the two."""

        after = serializers.CharField(max_length=40, required=False, help_text="Right behind this block.")
        before = serializers.CharField(max_length=40, required=False, help_text="Right before this block.")

    def operation_from(self, values: dict[str, Any]) -> tuple[Operation, dict[str, int]]:
        """Return the move."""
        return Move(values.get("after"), values.get("before")), {}

    @_documented(
        "move", "Move a block", Input, _example("Behind 3.1", after="3.1"), _example("Before 3.0", before="3.0")
    )
    def post(self, request: Request, session_id: UUID, block_id: str) -> Response:
        """Put a block elsewhere in the order of the document. Its zone stays: see retype."""
        return self.correct(request, session_id, block_id)


class BlockRetypeView(CorrectionView):
    """Another meaning."""

    @extend_schema_serializer(component_name="BlockRetype")
    class Input(BaseInput):
        """Only the given fields change, and what follows from them by the session's configuration."""

        intent = serializers.CharField(max_length=40, required=False)
        template_id = serializers.CharField(max_length=64, required=False, allow_null=True)
        zone = serializers.RegexField(_ZONE, required=False, allow_null=True, help_text="null: the template's own.")
        data = serializers.DictField(  # type: ignore[assignment]  # DRF takes fields out of the class
            required=False, help_text="The intent's data; fields left out stay."
        )

    def operation_from(self, values: dict[str, Any]) -> tuple[Operation, dict[str, int]]:
        """Return the retype."""
        return Retype({name: values[name] for name in ("intent", "template_id", "zone", "data") if name in values}), {}

    @_documented(
        "retype",
        "Correct what a block means",
        Input,
        _example("A vote", intent="VOTE", data={"in_favour": 14, "against": 2, "result": "approved"}),
        _example("Another zone", zone="ZONA_VARIOS"),
    )
    def post(self, request: Request, session_id: UUID, block_id: str) -> Response:
        """Change intent, template, zone or table data. A vote's or a roll call's data are rows of a table."""
        return self.correct(request, session_id, block_id)


class BlockRestrictView(CorrectionView):
    """In or out of the public edition."""

    @extend_schema_serializer(component_name="BlockRestrict")
    class Input(BaseInput):
        """Which."""

        restricted = serializers.BooleanField()

    def operation_from(self, values: dict[str, Any]) -> tuple[Operation, dict[str, int]]:
        """Return the restriction."""
        return Restrict(values["restricted"]), {}

    @_documented("restrict", "Restrict a block", Input, _example("Keep it out", restricted=True))
    def post(self, request: Request, session_id: UUID, block_id: str) -> Response:
        """Keep a block out of the public edition of the minutes, or put it back. The full edition has it always."""
        return self.correct(request, session_id, block_id)
