"""Store a question and begin to answer it, once."""

from dataclasses import dataclass, replace
from functools import partial
from typing import Any
from uuid import uuid4

from django.contrib.auth import get_user_model
from django.db import IntegrityError, transaction
from django.db.models import Max
from django.utils import timezone

from chat.conf import model_names
from chat.journal import lease_end
from chat.models import ChatSession, Message
from chat.runs import Run
from chat.runtime import runtime
from chat.services.owned import own_session
from chat.services.questions import Question, checked, checked_key, stored_options
from chat.titles import title_from
from core.errors import Conflict, NotFound, Throttled
from core.throttles import take

RUNNING_AT_ONCE = 2  # answers of one person
WAIT_SECONDS = 5  # what somebody with too many is told to wait


@dataclass(frozen=True)
class Asked:
    """Where a question went. ``is_new`` is False where its key had been used before."""

    session: ChatSession
    question: Message
    answer: Message
    is_new: bool


def ask(user: Any, question: Question, key: str | None = None) -> Asked:
    """Store a question and begin to answer it once the rows are committed.

    Args:
        user: who asks.
        question: what, and in which conversation; a new one is made where none is given.
        key: the client's own; the same key and question is the same message, never a second one.

    Raises:
        Invalid: the text, the model or another field cannot be used.
        NotFound: the conversation is not theirs; nothing was written.
        Conflict: the key was used for another question.
        Throttled: too many questions in a time, or too many answers at once.
    """
    asking = _Asking(user, checked(question, user), checked_key(key))
    known = asking.known()
    if known is not None:
        return known
    asking.check_session()
    _take_rate(user, question)
    try:
        return asking.store()
    except IntegrityError:
        # The same key came twice at once and the other one was quicker.
        known = asking.known()
        if known is None:
            raise
        return known


@dataclass(frozen=True)
class _Asking:
    user: Any
    question: Question
    key: str | None

    def known(self) -> Asked | None:
        """What the key stands for already."""
        if self.key is None:
            return None
        answer = (
            Message.objects.filter(asker_id=self.user.pk, idempotency_key=self.key)
            .select_related("session", "question")
            .first()
        )
        if answer is None or answer.question is None:
            return None
        if answer.request_hash != self.question.digest:
            raise Conflict("This Idempotency-Key was used for another message.")
        if not answer.session.is_active:
            raise NotFound
        return Asked(answer.session, answer.question, answer, is_new=False)

    def check_session(self) -> None:
        if self.question.session_id is not None:
            own_session(self.user, self.question.session_id)

    @transaction.atomic
    def store(self) -> Asked:
        _one_at_a_time(self.user)
        session = self._session()
        last = session.messages.aggregate(last=Max("ordinal"))["last"]
        ordinal = 0 if last is None else last + 1
        asked = Message.objects.create(
            session=session, ordinal=ordinal, role=Message.Role.USER, text=self.question.text
        )
        token = uuid4()
        answer = Message.objects.create(
            session=session,
            ordinal=ordinal + 1,
            role=Message.Role.ASSISTANT,
            question=asked,
            state=Message.State.RUNNING,
            options=stored_options(replace(self.question, model=_model(self.user, session))),
            idempotency_key=self.key,
            request_hash=self.question.digest if self.key else "",
            asker=self.user,
            lease_token=token,
            lease_until=lease_end(),
        )
        session.user = self.user
        run = Run(answer.pk, session.pk, self.user.pk, token, answer)
        transaction.on_commit(partial(_start, run))
        return Asked(session, asked, answer, is_new=True)

    def _session(self) -> ChatSession:
        """Theirs, with a title and up to date."""
        now = timezone.now()
        if self.question.session_id is None:
            return ChatSession.objects.create(
                user=self.user,
                title=title_from(self.question.text),
                model=self.question.model,
                last_activity=now,
            )
        session = own_session(self.user, self.question.session_id)
        row = ChatSession.objects.filter(pk=session.pk)
        if self.question.model:  # chosen for this question and those that follow
            session.model = self.question.model
        row.update(last_activity=now, updated_at=now, model=session.model)
        # Only an empty title is set: the reader may be renaming it at this moment.
        title = title_from(self.question.text)
        if row.filter(title="", title_is_theirs=False).update(title=title):
            session.title = title
        session.last_activity = now
        return session


def _model(user: Any, session: ChatSession) -> str:
    """The conversation's model, if this person may still choose it; else the default."""
    return session.model if session.model in model_names(user) else ""


def _start(run: Run) -> None:
    runtime().start(run)


def _take_rate(user: Any, question: Question) -> None:
    """Count this question; a visitor's by visitor and by address, as visitors cost nothing."""
    if not user.is_visitor:
        take("chat_user", f"user:{user.pk}")
        return
    take("chat_anonymous", f"user:{user.pk}")
    if question.address:
        take("chat_anonymous", f"address:{question.address}")


def _one_at_a_time(user: Any) -> None:
    """Order the questions of one person, and refuse one too many.

    The row's lock does it on PostgreSQL; on SQLite the transaction has the write lock already.
    """
    get_user_model().objects.select_for_update().get(pk=user.pk)
    running = Message.objects.filter(
        session__user_id=user.pk, state=Message.State.RUNNING, lease_until__gt=timezone.now()
    )
    if running.count() >= RUNNING_AT_ONCE:
        raise Throttled(
            WAIT_SECONDS,
            f"{RUNNING_AT_ONCE} of your answers are still being written. Ask again in a moment.",
        )
