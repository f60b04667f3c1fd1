"""A person's conversations, for their export."""

from collections.abc import Iterator
from typing import Any

from chat import reading, remembering
from chat.models import ChatSession, Message

BATCH = 50  # conversations read at a time


def conversations_of(user: Any) -> Iterator[dict[str, Any]]:
    """Each conversation with its messages, oldest first, as the API would show it to its owner.

    ``summary`` is what is remembered of its older part, while it may be read. ``other_versions``
    are the messages that the conversation does not show at present.
    """
    mine = ChatSession.objects.of(user).order_by("created_at", "pk")
    ids = list(mine.values_list("pk", flat=True))
    for at in range(0, len(ids), BATCH):
        sessions = ChatSession.objects.in_bulk(ids[at : at + BATCH])
        for pk in ids[at : at + BATCH]:
            if pk in sessions:
                yield _conversation(sessions[pk], user)


def _conversation(session: ChatSession, user: Any) -> dict[str, Any]:
    messages = list(Message.objects.filter(session=session).order_by("ordinal"))
    shown = {str(message.pk) for message in messages if message.is_shown}
    body = reading.session_dict(session, message_count=len(shown))
    session.user = user
    body["summary"] = remembering.readable_summary(session)
    listed = reading.message_dicts(messages, user=user)
    body["messages"] = [one for one in listed if one["message_id"] in shown]
    body["other_versions"] = [one for one in listed if one["message_id"] not in shown]
    return {key: _plain(value) for key, value in body.items()}


def _plain(value: Any) -> Any:
    """Times as ISO 8601, so that the result is ready for JSON."""
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    return value.isoformat() if hasattr(value, "isoformat") else value
