"""The one way to a row of the caller's own: anything else is not found."""

from typing import Any
from uuid import UUID

from chat.models import ChatSession, Message
from core.errors import NotFound


def own_session(user: Any, session_id: UUID) -> ChatSession:
    session = ChatSession.objects.of(user).filter(pk=session_id).first()
    if session is None:
        raise NotFound
    return session


def own_answer(user: Any, message_id: UUID) -> Message:
    message = (
        Message.objects.of(user)
        .filter(pk=message_id, role=Message.Role.ASSISTANT)
        .select_related("question")
        .first()
    )
    if message is None:
        raise NotFound
    return message
