"""Store a question and begin to answer it, once."""

import hashlib
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any
from uuid import uuid4

from django.contrib.auth import get_user_model
from django.db import IntegrityError, connection, transaction
from django.db.models import Max, QuerySet
from django.db.models.functions import Now
from django.utils import timezone

from chat import branches
from chat.conf import model_names
from chat.journal import lease_end
from chat.models import ChatSession, Message
from chat.runs import Run
from chat.runtime import runtime
from chat.services.owned import own_session
from chat.services.questions import Question, checked, checked_key, stored_options
from chat.titles import title_from
from core.errors import Conflict, NotFound, Throttled
from core.statements import NO_KEY, Marks, statement
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


@dataclass(frozen=True)
class Place:
    """Where an answer goes; by default at the end of a conversation, or of a new one.

    Attributes:
        again: a question that is answered once more.
        edited: a question of which this one is another wording.
    """

    again: Message | None = None
    edited: Message | None = None

    @property
    def is_version(self) -> bool:
        return bool(self.again or self.edited)

    def digest(self, question: Question) -> str:
        """The same for the same request; what is asked for once more is another request."""
        if not self.is_version:
            return question.digest
        told = f"{self.again and self.again.pk} {self.edited and self.edited.pk} {question.digest}"
        return hashlib.sha256(told.encode()).hexdigest()


def ask(user: Any, question: Question, key: str | None = None, place: Place | None = None) -> Asked:
    """Store a question and begin to answer it once the rows are committed.

    Args:
        user: who asks.
        question: what, and in which conversation; a new one is made where none is given.
        key: the client's own; the same key and question is the same message, never a second one.
        place: where the answer goes, if it is a version of one that is there.

    Raises:
        Invalid: the text, the model or another field cannot be used.
        NotFound: the conversation is not theirs; nothing was written.
        Conflict: the key was used for another question, or a version is wanted where an answer of
            the conversation is still being written.
        Throttled: too many questions in a time, or too many answers at once.
    """
    asking = _Asking(user, checked(question, user), checked_key(key), place or Place())
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
    place: Place = field(default_factory=Place)

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
        if answer.request_hash != self.place.digest(self.question):
            raise Conflict("This Idempotency-Key was used for another message.")
        if not answer.session.is_active:
            raise NotFound
        return Asked(answer.session, answer.question, answer, is_new=False)

    def check_session(self) -> None:
        if self.question.session_id is not None:
            session = own_session(self.user, self.question.session_id)
            if self.place.is_version:  # before it counts; looked at again when it is stored
                refuse_while_writing(session)

    @transaction.atomic
    def store(self) -> Asked:
        _one_at_a_time(self.user)
        session = self._session()
        session.user = self.user
        if self.place.is_version:
            refuse_while_writing(session)
        asked = self.place.again or self._asked(session)
        answer = self._answer(session, asked)
        Message.objects.bulk_create([answer] if self.place.again else [asked, answer])
        if self.place.is_version:
            branches.show(session.pk, answer.pk)
        run = Run(answer.pk, session.pk, self.user.pk, answer.lease_token, answer)
        transaction.on_commit(partial(_start, run))
        return Asked(session, asked, answer, is_new=True)

    def _asked(self, session: ChatSession) -> Message:
        """The row of the question."""
        is_first = self.question.session_id is None
        row = Message(
            session=session,
            ordinal=0 if is_first else _next_ordinal(session),
            role=Message.Role.USER,
            text=self.question.text,
        )
        if self.place.edited:
            row.follows_id = self.place.edited.follows_id
            row.version_of_id = self.place.edited.version_of_id or self.place.edited.pk
            row.is_chosen = row.is_shown = False  # until its answer is there too
        elif not is_first:
            row.follows = branches.last_shown(session)
        return row

    def _answer(self, session: ChatSession, asked: Message) -> Message:
        """The row of the answer, which is the work too."""
        model = self.question.model if self.place.is_version else session.model
        options = stored_options(replace(self.question, model=_allowed(self.user, model)))
        is_version = self.place.is_version
        return Message(
            session=session,
            ordinal=_next_ordinal(session) if self.place.again else asked.ordinal + 1,
            role=Message.Role.ASSISTANT,
            question=asked,
            is_chosen=not is_version,
            is_shown=not is_version,
            state=Message.State.RUNNING,
            # A version that is asked for is made, whatever was answered before.
            options={**options, "is_fresh": True} if self.place.again else options,
            idempotency_key=self.key,
            request_hash=self.place.digest(self.question) if self.key else "",
            asker=self.user,
            lease_token=uuid4(),
            lease_until=lease_end(),
        )

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
        if self.question.model and not self.place.is_version:
            session.model = self.question.model  # chosen for this question and those that follow
        row.update(last_activity=now, updated_at=now, model=session.model)
        # Only a title of ours is set: the reader may be renaming it at this moment.
        title, edited = title_from(self.question.text), self.place.edited
        is_first = edited is not None and (edited.version_of or edited).ordinal == 0
        ours = title_from(edited.text) if edited and is_first else ""
        if row.filter(title=ours, title_is_theirs=False).update(title=title):
            session.title = title
        session.last_activity = now
        return session


def refuse_while_writing(session: ChatSession) -> None:
    """What is being written stays on the branch that is shown.

    Raises:
        Conflict: an answer of this conversation is still being written.
    """
    running = session.messages.filter(state=Message.State.RUNNING, lease_until__gt=Now())
    if running.exists():
        raise Conflict("An answer of this conversation is still being written. Stop it first.")


def _next_ordinal(session: ChatSession) -> int:
    last = session.messages.aggregate(last=Max("ordinal"))["last"]
    return 0 if last is None else last + 1


def _allowed(user: Any, model: str) -> str:
    """A model, if this person may still choose it; else the default."""
    return model if model in model_names(user) else ""


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


def in_turn(user: Any) -> None:
    """Order what one person writes, until the transaction ends.

    The row's lock does it on PostgreSQL; on SQLite the transaction has the write lock already.
    """
    if connection.features.has_select_for_update:
        get_user_model().objects.select_for_update().values_list("pk").get(pk=user.pk)


def _one_at_a_time(user: Any) -> None:
    """Order the questions of one person, and refuse one too many."""
    in_turn(user)
    running = statement(("running",), _marked_running).rows(user=user.pk)
    if len(running) >= RUNNING_AT_ONCE:
        raise Throttled(
            WAIT_SECONDS,
            f"{RUNNING_AT_ONCE} of your answers are still being written. Ask again in a moment.",
        )


def _marked_running() -> tuple[QuerySet[Any, Any], Marks]:
    rows = Message.objects.filter(
        session__user_id=NO_KEY, state=Message.State.RUNNING, lease_until__gt=Now()
    ).order_by()
    return rows.values_list("pk")[:RUNNING_AT_ONCE], {"user": NO_KEY}
