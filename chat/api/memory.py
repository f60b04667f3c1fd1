"""What is remembered of a conversation, by API: see it, clear it."""

from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from chat import services
from chat.api.asking import NOT_FOUND
from chat.remembered import memory_dict
from users.api import schema

_SUMMARIES = [(name, name) for name in ("model", "questions")]
_MISSING = {401: schema.BAD_TOKEN, 404: NOT_FOUND}


class MemorySerializer(serializers.Serializer[Any]):
    """What the next answer will know of a conversation."""

    session_id = serializers.UUIDField()
    questions = serializers.ListField(
        child=serializers.CharField(), help_text="Of the turns that are remembered as they are."
    )
    tokens = serializers.IntegerField(help_text="About how many all of it has.")
    summary = serializers.CharField(help_text="Of what was said before those turns.")
    summary_by = serializers.ChoiceField(choices=_SUMMARIES, allow_blank=True)
    is_cleared = serializers.BooleanField(help_text="Earlier messages were forgotten once.")
    most_messages = serializers.IntegerField()
    most_tokens = serializers.IntegerField()


class MemoryView(APIView):
    @extend_schema(
        operation_id="chat_session_memory",
        summary="What is remembered of a conversation",
        responses={200: MemorySerializer, **_MISSING},
        tags=["chat"],
    )
    def get(self, request: Request, session_id: UUID) -> Response:
        """The last turns and the summary of those before, as one may see them now."""
        return Response(memory_dict(services.own_session(request.user, session_id)))

    @extend_schema(
        operation_id="chat_session_memory_clear",
        summary="Clear what is remembered of a conversation",
        responses={204: schema.NOTHING, **_MISSING},
        tags=["chat"],
    )
    def delete(self, request: Request, session_id: UUID) -> Response:
        """The messages stay; the next question is understood without them."""
        services.clear_memory(request.user, session_id)
        return Response(status=204)
