"""The orders of the chat: ask, stop, rate, retry, rename, delete and restore.

Each takes the user and touches only what is theirs; anything else is ``NotFound``.
"""

import hashlib
import json
import unicodedata
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID, uuid4

from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import IntegrityError, transaction
from django.db.models import Max
from django.utils import timezone

from chat.conf import model_names
from chat.journal import lease_end
from chat.models import ChatSession, Feedback, Message
from chat.runs import Run
from chat.runtime import runtime
from chat.titles import title_from
from core.errors import Conflict, Invalid, NotFound, Throttled
from core.throttles import take
from knowledge.passages import Filters

RUNNING_AT_ONCE = 2  # answers of one person
WAIT_SECONDS = 5  # what somebody with too many is told to wait
UNDO_MINUTES = 10
TITLE_CHARS = 200
COMMENT_CHARS = 2000
KEY_CHARS = 200
MOST_PASSAGES = 50


@dataclass(frozen=True)
class Question:
    """What is asked. ``address`` is the key of the caller's address (``core.throttles``)."""

    text: str
    session_id: UUID | None = None
    model: str = ""
    top_k: int | None = None
    include_sources: bool = True
    filters: Filters = field(default_factory=Filters)
    address: str = ""

    @property
    def digest(self) -> str:
        """The same for the same request, whoever sends it from wherever."""
        said = {**asdict(self), "session_id": str(self.session_id or ""), "address": ""}
        return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()


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
    asking = _Asking(user, _checked(question), _checked_key(key))
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
            _own_session(self.user, self.question.session_id)

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
            options=self._options(),
            idempotency_key=self.key,
            request_hash=self.question.digest if self.key else "",
            asker=self.user,
            lease_token=token,
            lease_until=lease_end(),
        )
        run = Run(answer.pk, session.pk, self.user.pk, token)
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
        session = _own_session(self.user, self.question.session_id)
        session.last_activity = now
        if not session.title and not session.title_is_theirs:
            session.title = title_from(self.question.text)
        session.save(update_fields=["last_activity", "title", "updated_at"])
        return session

    def _options(self) -> dict[str, Any]:
        question = self.question
        return {
            "model": question.model,
            "top_k": question.top_k,
            "include_sources": question.include_sources,
            "filters": {
                "document_type": question.filters.document_type,
                "source": question.filters.source,
                "document_ids": list(question.filters.document_ids),
            },
        }


def _start(run: Run) -> None:
    runtime().start(run)


def _checked(question: Question) -> Question:
    """The question with a clean text.

    Raises:
        Invalid: with a sentence for each field that cannot be used.
    """
    text = clean_text(question.text)
    errors: dict[str, list[str]] = {}
    if not text:
        errors["message"] = ["Write a question first."]
    elif len(text) > settings.MESSAGE_MAX_CHARS:
        most = settings.MESSAGE_MAX_CHARS
        errors["message"] = [f"{len(text):,} of {most:,} characters. Shorten it."]
    if question.model and question.model not in model_names():
        errors["model"] = ["This model is not among those that you may choose."]
    if question.top_k is not None and not 1 <= question.top_k <= MOST_PASSAGES:
        errors["top_k"] = [f"Between 1 and {MOST_PASSAGES}."]
    if errors:
        raise Invalid(fields=errors)
    return Question(**{**_shallow(question), "text": text})


def _shallow(question: Question) -> dict[str, Any]:
    return {name: getattr(question, name) for name in question.__dataclass_fields__}


def _checked_key(key: str | None) -> str | None:
    if not key:
        return None
    if len(key) > KEY_CHARS or not key.isprintable():
        raise Invalid(fields={"Idempotency-Key": [f"At most {KEY_CHARS} printable characters."]})
    return key


def clean_text(text: str) -> str:
    """Trimmed, in one Unicode form, without control characters but newline and tab.

    Lone surrogates and NUL, which a database refuses, are removed with them.
    """
    unified = unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\r", "\n"))
    kept = (c for c in unified if c in "\n\t" or unicodedata.category(c) not in {"Cc", "Cs"})
    return "".join(kept).strip()


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


def stop(user: Any, message_id: UUID) -> None:
    """Ask an answer to stop, on whatever process it is written; what was said stands."""
    message = _own_answer(user, message_id)
    Message.objects.filter(pk=message.pk, state=Message.State.RUNNING).update(stop_requested=True)
    runtime().stop(message.pk)


def retry(user: Any, message_id: UUID) -> Asked:
    """Ask the question of an answer again, as a new turn of its conversation."""
    answer = _own_answer(user, message_id)
    if answer.question is None:
        raise NotFound
    if answer.state == Message.State.RUNNING:
        raise Conflict("This answer is still being written.")
    chosen = answer.options.get("filters", {})
    question = Question(
        text=answer.question.text,
        session_id=answer.session_id,
        model=answer.options.get("model", ""),
        top_k=answer.options.get("top_k"),
        include_sources=answer.options.get("include_sources", True),
        filters=Filters(
            document_type=chosen.get("document_type", ""),
            source=chosen.get("source", ""),
            document_ids=tuple(chosen.get("document_ids", ())),
        ),
    )
    return ask(user, question)


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
    message = _own_answer(user, message_id)
    feedback, _ = Feedback.objects.update_or_create(
        message=message, defaults={"rating": rating, "comment": words}
    )
    return feedback


def start_session(user: Any, title: str = "") -> ChatSession:
    """A conversation without messages."""
    words = _checked_title(title) if title else ""
    return ChatSession.objects.create(user=user, title=words, title_is_theirs=bool(words))


def rename(user: Any, session_id: UUID, title: str) -> ChatSession:
    """Give a conversation a title of the reader's own, which nothing overwrites."""
    session = _own_session(user, session_id)
    session.title = _checked_title(title)
    session.title_is_theirs = True
    session.save(update_fields=["title", "title_is_theirs", "updated_at"])
    return session


def _checked_title(title: str) -> str:
    words = " ".join(clean_text(title).split())
    if not words:
        raise Invalid(fields={"title": ["A name needs a letter."]})
    if len(words) > TITLE_CHARS:
        raise Invalid(fields={"title": [f"At most {TITLE_CHARS} characters."]})
    return words


def delete_session(user: Any, session_id: UUID) -> None:
    """Hide a conversation at every door at once; the sweep removes it after ten minutes."""
    session = _own_session(user, session_id)
    running = list(
        session.messages.filter(state=Message.State.RUNNING).values_list("pk", flat=True)
    )
    ChatSession.objects.filter(pk=session.pk).update(is_active=False, deleted_at=timezone.now())
    Message.objects.filter(pk__in=running).update(stop_requested=True)
    for message_id in running:
        runtime().stop(message_id)


def restore_session(user: Any, session_id: UUID) -> ChatSession:
    """Undo a deletion within ten minutes."""
    since = timezone.now() - timedelta(minutes=UNDO_MINUTES)
    restored = ChatSession.objects.filter(
        pk=session_id, user_id=user.pk, is_active=False, deleted_at__gt=since
    ).update(is_active=True, deleted_at=None)
    if not restored:
        raise NotFound
    return _own_session(user, session_id)


def _own_session(user: Any, session_id: UUID) -> ChatSession:
    session = ChatSession.objects.of(user).filter(pk=session_id).first()
    if session is None:
        raise NotFound
    return session


def _own_answer(user: Any, message_id: UUID) -> Message:
    message = (
        Message.objects.of(user)
        .filter(pk=message_id, role=Message.Role.ASSISTANT)
        .select_related("question")
        .first()
    )
    if message is None:
        raise NotFound
    return message
