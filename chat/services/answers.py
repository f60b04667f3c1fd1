"""What a reader may do with an answer: stop it, ask for it again, rate it."""

from typing import Any
from uuid import UUID

from chat.conf import model_names
from chat.jobs import filters_of
from chat.models import Feedback, Message
from chat.runtime import runtime
from chat.services.asking import Asked, ask
from chat.services.owned import own_answer
from chat.services.questions import Question, clean_text
from core.errors import Conflict, Invalid, NotFound

COMMENT_CHARS = 2000


def stop(user: Any, message_id: UUID) -> None:
    """Ask an answer to stop, on whatever process it is written; what was said stands."""
    message = own_answer(user, message_id)
    Message.objects.filter(pk=message.pk, state=Message.State.RUNNING).update(stop_requested=True)
    runtime().stop(message.pk)


def retry(user: Any, message_id: UUID, address: str = "") -> Asked:
    """Ask the question of an answer again, as a new turn of its conversation.

    ``address`` is the key of the caller's address; a repetition counts like any question.
    """
    answer = own_answer(user, message_id)
    if answer.question is None:
        raise NotFound
    if answer.state == Message.State.RUNNING:
        raise Conflict("This answer is still being written.")
    question = Question(
        text=answer.question.text,
        session_id=answer.session_id,
        model=_still_allowed(user, answer.options.get("model", "")),
        top_k=answer.options.get("top_k"),
        include_sources=answer.options.get("include_sources", True),
        filters=filters_of(answer.options),
        address=address,
        fresh=True,
    )
    return ask(user, question)


def _still_allowed(user: Any, model: str) -> str:
    """The model of an earlier answer, or the default where it may not be chosen any more."""
    return model if model in model_names(user) else ""


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
