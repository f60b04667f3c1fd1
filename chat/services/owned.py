"""The one way to a row of the caller's own: anything else is not found."""

from collections.abc import Mapping
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


def own_question(user: Any, message_id: UUID) -> Message:
    """A question of the caller's, named by itself or by an answer to it."""
    message = Message.objects.of(user).filter(pk=message_id).select_related("question").first()
    found = message and (message.question or message)
    if found is None or found.role != Message.Role.USER:
        raise NotFound
    return found


def own_version(session: ChatSession, query: Mapping[str, str]) -> UUID | None:
    """The message of this conversation that ``?version=`` names; None where it names none.

    Raises:
        NotFound: it names no message of this conversation.
    """
    given = query.get("version", "")
    if not given:
        return None
    try:
        version = UUID(given)
    except ValueError:
        raise NotFound from None
    if not session.messages.filter(pk=version).exists():
        raise NotFound
    return version
