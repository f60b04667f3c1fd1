"""What a reader may do with what is remembered of a conversation: clear it."""

from typing import Any
from uuid import UUID

from django.db.models import Max

from chat.models import ChatSession
from chat.services.owned import own_session
from chat.traces import forget_memory


def clear_memory(user: Any, session_id: UUID) -> ChatSession:
    """Go on as in a new conversation: no earlier message is used any more, and no summary kept.

    The messages themselves stay where they are. An answer that is being written has read what it
    knows; a summary that is being made is not stored.
    """
    session = own_session(user, session_id)
    last = session.messages.aggregate(last=Max("ordinal"))["last"]
    session.remembered_from = 0 if last is None else last + 1
    session.summary, session.summary_by = "", ""
    session.summary_until, session.summary_documents = 0, []
    session.save(
        update_fields=[
            "remembered_from",
            "summary",
            "summary_by",
            "summary_until",
            "summary_documents",
        ]
    )
    forget_memory(session.pk)
    return session
