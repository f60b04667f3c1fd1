"""Begin, rename, delete and restore a conversation."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.utils import timezone

from chat.models import ChatSession, Message
from chat.runtime import runtime
from chat.services.owned import own_session
from chat.services.questions import clean_text
from core.errors import Invalid, NotFound

UNDO_MINUTES = 10
TITLE_CHARS = 200


def start_session(user: Any, title: str = "") -> ChatSession:
    """A conversation without messages."""
    words = _checked_title(title) if title else ""
    return ChatSession.objects.create(user=user, title=words, title_is_theirs=bool(words))


def rename(user: Any, session_id: UUID, title: str) -> ChatSession:
    """Give a conversation a title of the reader's own, which nothing overwrites."""
    session = own_session(user, session_id)
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
    session = own_session(user, session_id)
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
    return own_session(user, session_id)
