"""Conversations by API: list, begin, open, rename, delete; their messages; thumbs; models."""

from typing import Any
from uuid import UUID

from django.db.models import Count, Exists, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from chat import reading, services
from chat.api.asking import NOT_FOUND
from chat.api.serializers import (
    FeedbackSerializer,
    MessagePageSerializer,
    ModelPageSerializer,
    NewSessionSerializer,
    OpenedSessionSerializer,
    RatingSerializer,
    SessionPageSerializer,
    SessionSerializer,
    TitleSerializer,
)
from chat.branches import branch
from chat.conf import model_names
from chat.models import ChatSession, Message
from core.api import Pagination
from users.api import schema

SEARCH = OpenApiParameter("search", OpenApiTypes.STR, description="Words of titles or questions.")
PAGE = OpenApiParameter("page", OpenApiTypes.INT)
VERSION = OpenApiParameter(
    "version", OpenApiTypes.UUID, description="The messages around this version of one."
)
_MISSING = {401: schema.BAD_TOKEN, 404: NOT_FOUND}
PAGE_SIZE = OpenApiParameter("page_size", OpenApiTypes.INT, description="20, at most 100.")


class SessionsView(APIView):
    @extend_schema(
        operation_id="chat_sessions_list",
        summary="One's conversations",
        responses={200: SessionPageSerializer, 401: schema.BAD_TOKEN},
        parameters=[SEARCH, PAGE, PAGE_SIZE],
        tags=["chat"],
    )
    def get(self, request: Request) -> Response:
        """Latest activity first."""
        words = request.query_params.get("search", "").replace("\x00", "").strip()[:200]
        pages = Pagination()
        found = pages.paginate_queryset(_sessions(request.user, words), request, view=self)
        return pages.get_paginated_response([reading.session_dict(one) for one in found or []])

    @extend_schema(
        operation_id="chat_sessions_create",
        summary="Begin a conversation",
        request=NewSessionSerializer,
        responses={201: SessionSerializer, 400: schema.INVALID, 401: schema.BAD_TOKEN},
        tags=["chat"],
    )
    def post(self, request: Request) -> Response:
        """A conversation without messages."""
        form = NewSessionSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        session = services.start_session(request.user, form.validated_data["title"])
        return Response(reading.session_dict(session, message_count=0), status=201)


class HistoryView(SessionsView):
    http_method_names = ("get", "head", "options")

    @extend_schema(
        operation_id="chat_history",
        summary="One's conversations",
        responses={200: SessionPageSerializer, 401: schema.BAD_TOKEN},
        parameters=[SEARCH, PAGE, PAGE_SIZE],
        tags=["chat"],
    )
    def get(self, request: Request) -> Response:
        """The same as the list of sessions."""
        return super().get(request)


class SessionView(APIView):
    @extend_schema(
        operation_id="chat_sessions_retrieve",
        summary="Open a conversation",
        responses={200: OpenedSessionSerializer, **_MISSING},
        tags=["chat"],
    )
    def get(self, request: Request, session_id: UUID) -> Response:
        """The conversation with its messages, oldest first."""
        session = services.own_session(request.user, session_id)
        messages = list(branch(session))
        body = reading.session_dict(session, message_count=len(messages))
        return Response({**body, "messages": reading.message_dicts(messages, user=request.user)})

    @extend_schema(
        operation_id="chat_sessions_partial_update",
        summary="Rename a conversation",
        request=TitleSerializer,
        responses={200: SessionSerializer, 400: schema.INVALID, **_MISSING},
        tags=["chat"],
    )
    def patch(self, request: Request, session_id: UUID) -> Response:
        """The title is the reader's from now on."""
        services.own_session(request.user, session_id)
        form = TitleSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        session = services.rename(request.user, session_id, form.validated_data["title"])
        return Response(reading.session_dict(session))

    @extend_schema(
        operation_id="chat_sessions_destroy",
        summary="Delete a conversation",
        responses={204: schema.NOTHING, **_MISSING},
        tags=["chat"],
    )
    def delete(self, request: Request, session_id: UUID) -> Response:
        """Gone at every door at once, and for good after ten minutes."""
        services.delete_session(request.user, session_id)
        return Response(status=204)


class MessagesView(APIView):
    @extend_schema(
        operation_id="chat_sessions_messages_list",
        summary="The messages of a conversation",
        responses={200: MessagePageSerializer, **_MISSING},
        parameters=[PAGE, PAGE_SIZE, VERSION],
        tags=["chat"],
    )
    def get(self, request: Request, session_id: UUID) -> Response:
        """Oldest first; of each message the version that is shown, or those around `version`."""
        session = services.own_session(request.user, session_id)
        messages = branch(session, services.own_version(session, request.query_params))
        pages = Pagination()
        found = pages.paginate_queryset(messages, request, view=self)
        listed = reading.message_dicts(list(found or []), user=request.user)
        return pages.get_paginated_response(listed)


class FeedbackView(APIView):
    @extend_schema(
        operation_id="chat_message_feedback",
        summary="Rate an answer",
        request=RatingSerializer,
        responses={200: FeedbackSerializer, 400: schema.INVALID, **_MISSING},
        tags=["chat"],
    )
    def post(self, request: Request, message_id: UUID) -> Response:
        """The last rating counts."""
        services.own_answer(request.user, message_id)
        form = RatingSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        feedback = services.rate(
            request.user, message_id, form.validated_data["rating"], form.validated_data["comment"]
        )
        return Response({"rating": feedback.rating, "comment": feedback.comment})


class ModelsView(APIView):
    @extend_schema(
        operation_id="chat_models",
        summary="The models that one may choose",
        responses={200: ModelPageSerializer, 401: schema.BAD_TOKEN},
        tags=["chat"],
    )
    def get(self, request: Request) -> Response:
        """The default first; `extractive` quotes the documents and needs no model."""
        names = model_names(request.user)
        listed = [{"model": name, "is_default": name == names[0]} for name in names]
        return Response({"count": len(listed), "next": None, "previous": None, "results": listed})


def _sessions(user: Any, words: str) -> "QuerySet[ChatSession]":
    sessions = ChatSession.objects.of(user)
    if words:
        # Answers are not searched: one may quote what its reader may not read any more.
        shown = Message.objects.filter(session=OuterRef("pk"), is_shown=True)
        questions = shown.filter(role=Message.Role.USER)
        asked = questions.filter(text__icontains=words)
        sessions = sessions.filter(Q(title__icontains=words) | Exists(asked))
    counted = (
        Message.objects.filter(session=OuterRef("pk"), is_shown=True)
        .order_by()
        .values("session")
        .annotate(count=Count("pk"))
        .values("count")
    )
    return sessions.annotate(message_count=Coalesce(Subquery(counted), 0)).order_by(
        "-last_activity", "-created_at", "pk"
    )
