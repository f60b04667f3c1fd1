"""Another version of an answer or of a question, and the choice between the versions there are."""

from dataclasses import replace
from typing import Any
from uuid import UUID

from django.db import transaction

from chat import branches
from chat.conf import model_names
from chat.jobs import filters_of
from chat.models import ChatSession, Message
from chat.services.asking import Asked, Place, ask, in_turn, refuse_while_writing
from chat.services.owned import own_answer, own_question, own_session
from chat.services.questions import Question
from core.errors import NotFound


def regenerate(
    user: Any, message_id: UUID, *, model: str = "", address: str = "", key: str | None = None
) -> Asked:
    """Answer a question again; the earlier answer and what followed it stay as another version.

    Args:
        user: whose conversation it is.
        message_id: an answer to the question; a version that is not shown will do.
        model: to write this version; by default the one of that answer, while it may be chosen.
        address: the key of the caller's address; a repetition counts like any question.
        key: as in ``ask``.

    Raises:
        NotFound: it is not theirs.
        Conflict: an answer of the conversation is still being written.
        Invalid, Throttled: as in ``ask``.
    """
    answer = own_answer(user, message_id)
    if answer.question is None:
        raise NotFound
    before = answer.options.get("model", "")
    question = Question(
        text=answer.question.text,
        session_id=answer.session_id,
        model=model or (before if before in model_names(user) else ""),
        top_k=answer.options.get("top_k"),
        include_sources=answer.options.get("include_sources", True),
        filters=filters_of(answer.options),
        address=address,
    )
    return ask(user, question, key, Place(again=answer.question))


def edit(user: Any, message_id: UUID, question: Question, key: str | None = None) -> Asked:
    """Ask a question in other words; the earlier wording and all that followed it stay.

    Args:
        user: whose conversation it is.
        message_id: the question, or an answer to it.
        question: what is asked now; its conversation is that of the earlier wording.
        key: as in ``ask``.

    Raises:
        NotFound: it is not theirs.
        Conflict: an answer of the conversation is still being written.
        Invalid, Throttled: as in ``ask``.
    """
    edited = own_question(user, message_id)
    moved = replace(question, session_id=edited.session_id)
    return ask(user, moved, key, Place(edited=edited))


def choose(user: Any, message_id: UUID) -> ChatSession:
    """Show a version of a question or an answer again, with what was said after it.

    Raises:
        NotFound: it is not theirs.
        Conflict: an answer of the conversation is still being written.
    """
    message = Message.objects.of(user).filter(pk=message_id).first()
    if message is None:
        raise NotFound
    with transaction.atomic():
        in_turn(user)
        session = own_session(user, message.session_id)
        refuse_while_writing(session)
        branches.show(session.pk, message.pk)
    return own_session(user, message.session_id)
