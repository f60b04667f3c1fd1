"""What a reader may do with an answer: stop it, rate it."""

from typing import Any
from uuid import UUID

from chat.models import Feedback, Message
from chat.runtime import runtime
from chat.services.owned import own_answer
from chat.services.questions import clean_text
from core.errors import Invalid

COMMENT_CHARS = 2000


def stop(user: Any, message_id: UUID) -> None:
    """Ask an answer to stop, on whatever process it is written; what was said stands."""
    message = own_answer(user, message_id)
    Message.objects.filter(pk=message.pk, state=Message.State.RUNNING).update(stop_requested=True)
    runtime().stop(message.pk)


def rate(user: Any, message_id: UUID, rating: int, comment: str = "") -> Feedback:
    """A thumb on an answer; the last one counts.

    Raises:
        Invalid: the rating is neither 1 nor -1, or the comment is over 2,000 characters.
    """
    if rating not in {1, -1}:
        raise Invalid(fields={"rating": ["1 or -1."]})
    words = clean_text(comment)
    if len(words) > COMMENT_CHARS:
        raise Invalid(fields={"comment": [f"At most {COMMENT_CHARS:,} characters."]})
    message = own_answer(user, message_id)
    feedback, _ = Feedback.objects.update_or_create(
        message=message, defaults={"rating": rating, "comment": words}
    )
    return feedback
