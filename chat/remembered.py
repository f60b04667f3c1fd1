"""What is remembered of a conversation, for its reader to see."""

from typing import Any

from django.conf import settings
from django.db.models import Max

from chat import remembering
from chat.generation.context import estimate_tokens, turn_tokens
from chat.models import ChatSession


def memory_dict(session: ChatSession) -> dict[str, Any]:
    """The *memory* of the API: what the next answer will know of this conversation.

    The session comes with its user, and everything is as that user may see it now.
    """
    last = session.messages.aggregate(last=Max("ordinal"))["last"]
    before = 0 if last is None else last + 1
    recalled = remembering.recall(session, before, estimate_tokens)
    tokens = sum(turn_tokens(turn, estimate_tokens) for turn in recalled.turns)
    is_stored = bool(remembering.readable_summary(session))
    by = session.summary_by if is_stored else remembering.BY_QUESTIONS
    return {
        "session_id": str(session.pk),
        "questions": [turn.question for turn in recalled.turns],
        "tokens": tokens + estimate_tokens(recalled.summary),
        "summary": recalled.summary,
        "summary_by": by if recalled.summary else "",
        "is_cleared": session.remembered_from > 0,
        "most_messages": int(settings.MEMORY_MESSAGES),
        "most_tokens": int(settings.MEMORY_TOKENS),
    }
