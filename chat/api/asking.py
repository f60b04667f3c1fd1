"""Asking by API: wait for the answer, read it as a stream, join one that runs, stop one."""

from typing import Any
from uuid import UUID

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from chat import reading, services
from chat.api.serializers import AnswerSerializer, AskSerializer, StoppingSerializer
from chat.models import Message
from chat.services import Asked
from chat.streaming import last_event_id, release_connections, sse_response
from chat.waiting import wait_for_answer
from core.errors import Code, NotFound, Unavailable
from core.sse import EventStream
from core.throttles import address_key, client_address
from users.api import schema

KEY = OpenApiParameter(
    "Idempotency-Key",
    OpenApiTypes.STR,
    OpenApiParameter.HEADER,
    description="The same key and body give the same message again, another body is 409.",
)
LAST_ID = OpenApiParameter(
    "Last-Event-ID",
    OpenApiTypes.INT,
    OpenApiParameter.HEADER,
    description="Code points of the answer that the reader has.",
)
STREAM = OpenApiResponse(
    OpenApiTypes.STR,
    description="Server-Sent Events: `session`, `step`*, `sources`, (`citation`, `token`)*, "
    "`withdrawn`*, and last `done` or `error`; `reconnect` when the server goes.",
)

NOT_FOUND = OpenApiResponse(schema.ErrorSerializer, description="Not there, or not the caller's.")
_UNAVAILABLE = OpenApiResponse(schema.ErrorSerializer, description="Nothing could be answered.")
_ERRORS = {
    400: schema.INVALID,
    401: schema.BAD_TOKEN,
    404: NOT_FOUND,
    409: schema.CONFLICT,
    429: schema.THROTTLED,
}


class JsonWhateverIsAccepted(BaseContentNegotiation):
    """Errors are JSON also for a client that accepts an event stream alone."""

    def select_parser(self, request: Request, parsers: Any) -> Any:
        media_type = request.content_type.partition(";")[0].strip()
        return next((p for p in parsers if p.media_type == media_type), None)

    def select_renderer(
        self, request: Request, renderers: Any, format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        return renderers[0], renderers[0].media_type


def _ask(request: Request) -> Asked:
    form = AskSerializer(data=request.data)
    form.is_valid(raise_exception=True)
    question = form.question(address_key(client_address(request)))
    return services.ask(request.user, question, request.headers.get("Idempotency-Key"))


class SendView(APIView):
    @extend_schema(
        operation_id="chat_send",
        summary="Ask and wait for the answer",
        request=AskSerializer,
        responses={200: AnswerSerializer, **_ERRORS, 503: _UNAVAILABLE},
        parameters=[KEY],
        tags=["chat"],
    )
    def post(self, request: Request) -> Response:
        """The whole answer. Without `chat_session_id` a conversation is begun."""
        asked = _ask(request)
        release_connections()
        wait_for_answer(asked.answer.pk)
        message = Message.objects.of(request.user).filter(pk=asked.answer.pk).first()
        if message is None:  # deleted while it was written
            raise NotFound
        if message.state == Message.State.FAILED:
            notice = message.notice or {}
            raise Unavailable(
                notice.get("detail", ""), code=Code(notice.get("code", Code.GENERATION_FAILED))
            )
        return Response(reading.answer(message, user=request.user))


class StreamView(APIView):
    content_negotiation_class = JsonWhateverIsAccepted

    @extend_schema(
        operation_id="chat_stream",
        summary="Ask and read the answer as it is written",
        request=AskSerializer,
        responses={(200, "text/event-stream"): STREAM, **_ERRORS},
        parameters=[KEY, LAST_ID],
        tags=["chat"],
    )
    def post(self, request: Request) -> EventStream:
        """The answer as events. The answer is written on if the reader goes away."""
        asked = _ask(request)
        return sse_response(asked.answer, request.user, last_event_id(request))


class JoinView(APIView):
    content_negotiation_class = JsonWhateverIsAccepted

    @extend_schema(
        operation_id="chat_message_stream",
        summary="Join an answer",
        responses={(200, "text/event-stream"): STREAM, 401: schema.BAD_TOKEN, 404: NOT_FOUND},
        parameters=[LAST_ID],
        tags=["chat"],
    )
    def get(self, request: Request, message_id: UUID) -> EventStream:
        """The rest of an answer from where the reader left; a finished one is replayed."""
        message = services.own_answer(request.user, message_id)
        return sse_response(message, request.user, last_event_id(request))


class StopView(APIView):
    @extend_schema(
        operation_id="chat_message_stop",
        summary="Stop an answer",
        request=None,
        responses={202: StoppingSerializer, 401: schema.BAD_TOKEN, 404: NOT_FOUND},
        tags=["chat"],
    )
    def post(self, request: Request, message_id: UUID) -> Response:
        """What was said so far stands. Nothing happens to an answer that has ended."""
        services.stop(request.user, message_id)
        message = services.own_answer(request.user, message_id)
        return Response({"message_id": str(message.pk), "state": message.state}, status=202)
