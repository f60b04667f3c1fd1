"""Versions by API: answer again, ask in other words, show another version."""

from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from chat import reading, services
from chat.api.asking import KEY, NOT_FOUND, STREAM, JsonWhateverIsAccepted
from chat.api.serializers import (
    BegunSerializer,
    EditSerializer,
    OpenedSessionSerializer,
    RegenerateSerializer,
)
from chat.branches import branch
from chat.services import Asked
from chat.streaming import last_event_id, sse_response
from core.sse import CONTENT_TYPE, EventStream
from core.throttles import address_key, client_address
from users.api import schema

_ERRORS = {
    400: schema.INVALID,
    401: schema.BAD_TOKEN,
    404: NOT_FOUND,
    409: schema.CONFLICT,
    429: schema.THROTTLED,
}
_BEGUN: dict[Any, Any] = {202: BegunSerializer, (200, CONTENT_TYPE): STREAM, **_ERRORS}


def _begun(request: Request, asked: Asked) -> Response | EventStream:
    """Where to read the answer; its events at once for a client that accepts an event stream."""
    if CONTENT_TYPE in request.headers.get("Accept", ""):
        return sse_response(asked.answer, request.user, last_event_id(request))
    ids = {"session_id": str(asked.session.pk), "message_id": str(asked.answer.pk)}
    return Response({**ids, "state": asked.answer.state}, status=202)


class RegenerateView(APIView):
    content_negotiation_class = JsonWhateverIsAccepted

    @extend_schema(
        operation_id="chat_message_regenerate",
        summary="Answer a question again",
        request=RegenerateSerializer,
        responses=_BEGUN,
        parameters=[KEY],
        tags=["chat"],
    )
    def post(self, request: Request, message_id: UUID) -> Response | EventStream:
        """A new version of the answer, with a new id; the earlier ones stay.

        With `Accept: text/event-stream` the new answer is streamed as by `/api/chat/stream/`.
        """
        services.own_answer(request.user, message_id)
        form = RegenerateSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        asked = services.regenerate(
            request.user,
            message_id,
            model=form.validated_data["model"],
            address=address_key(client_address(request)),
            key=request.headers.get("Idempotency-Key"),
        )
        return _begun(request, asked)


class EditView(APIView):
    content_negotiation_class = JsonWhateverIsAccepted

    @extend_schema(
        operation_id="chat_message_edit",
        summary="Ask a question in other words",
        request=EditSerializer,
        responses=_BEGUN,
        parameters=[KEY],
        tags=["chat"],
    )
    def post(self, request: Request, message_id: UUID) -> Response | EventStream:
        """A new version of the question, with an answer; `message_id` is the question's or of an
        answer to it. The earlier wording stays, with all that followed it.
        """
        services.own_question(request.user, message_id)
        form = EditSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        question = form.question(address_key(client_address(request)))
        key = request.headers.get("Idempotency-Key")
        return _begun(request, services.edit(request.user, message_id, question, key))


class ChooseView(APIView):
    @extend_schema(
        operation_id="chat_message_choose",
        summary="Show another version",
        request=None,
        responses={
            200: OpenedSessionSerializer,
            401: schema.BAD_TOKEN,
            404: NOT_FOUND,
            409: schema.CONFLICT,
        },
        tags=["chat"],
    )
    def post(self, request: Request, message_id: UUID) -> Response:
        """The conversation as it goes on from this version of a question or an answer."""
        session = services.choose(request.user, message_id)
        messages = list(branch(session))
        body = reading.session_dict(session, message_count=len(messages))
        return Response({**body, "messages": reading.message_dicts(messages, user=request.user)})
