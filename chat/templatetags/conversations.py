"""The history at the side of every chat page."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import groupby
from typing import Any
from uuid import UUID

from django import template
from django.conf import settings
from django.db.models import Exists, OuterRef
from django.template.context import Context
from django.utils import timezone
from django.utils.formats import date_format

from chat.conf import EXTRACTIVE, model_names
from chat.models import ChatSession, Message
from core.templatetags.look import day

register = template.Library()
ROWS = 60  # of the side; the rest is on the history page


@dataclass(frozen=True)
class Past:
    """One row of the history."""

    id: UUID
    title: str
    last_activity: datetime
    is_running: bool
    is_current: bool


@dataclass(frozen=True)
class Group:
    name: str
    rows: Sequence[Past]


def kept_until(session: "ChatSession | Past") -> datetime:
    """When retention removes the conversation unless something is asked in it."""
    return session.last_activity + timedelta(days=settings.RETENTION_DAYS)


@register.inclusion_tag("chat/_side.html", takes_context=True)
def sidebar(context: Context) -> dict[str, Any]:
    """The caller's latest conversations in two queries at most, however many there are."""
    user = context.get("user")
    current = context.get("session")
    current_id = current.pk if isinstance(current, ChatSession) else None
    rows = _rows(user, current_id) if user is not None and user.is_authenticated else []
    ends_at = _ends_at(rows, current_id)
    return {
        "user": user,
        "query": context.get("query", ""),
        "groups": [Group(name, list(group)) for name, group in _grouped(rows[:ROWS])],
        "more": len(rows) > ROWS,
        "kept_until": ends_at,
        "kept_until_day": day(ends_at),
        "groups_count": len(rows) > 1,
        "retention_days": settings.RETENTION_DAYS,
    }


def past_rows(sessions: Sequence[ChatSession], current_id: UUID | None = None) -> list[Past]:
    """Sessions annotated with ``is_running`` as rows of a history."""
    return [
        Past(
            session.pk,
            session.title or "New question",
            session.last_activity,
            bool(getattr(session, "is_running", False)),
            session.pk == current_id,
        )
        for session in sessions
    ]


def running_answers() -> Exists:
    """Whether an answer of the outer session is being written."""
    running = Message.objects.filter(session=OuterRef("pk"), state=Message.State.RUNNING)
    return Exists(running)


def _rows(user: Any, current_id: UUID | None) -> list[Past]:
    sessions = ChatSession.objects.of(user).annotate(is_running=running_answers())[: ROWS + 1]
    return past_rows(list(sessions), current_id)


def _ends_at(rows: Sequence[Past], current_id: UUID | None) -> datetime | None:
    """The end of the current conversation, else of the first that goes."""
    chosen = [row for row in rows if row.id == current_id] or rows[-1:]
    return kept_until(chosen[0]) if chosen else None


def _grouped(rows: Sequence[Past]) -> Iterator[tuple[str, Iterator[Past]]]:
    today = timezone.localdate()
    return groupby(rows, lambda row: group_name(timezone.localdate(row.last_activity), today))


def group_name(then: date, today: date) -> str:
    """``Today``, ``Yesterday``, ``Last 7 days``, then months."""
    ago = (today - then).days
    if ago <= 0:
        return "Today"
    if ago == 1:
        return "Yesterday"
    if ago <= 7:
        return "Last 7 days"
    return date_format(then, "F" if then.year == today.year else "F Y")


@register.inclusion_tag("chat/_models.html", takes_context=True)
def model_choice(context: Context) -> dict[str, Any]:
    """The models that the caller may choose, where more than one of them writes."""
    session = context.get("session")
    names = model_names(context.get("user"))
    current = session.model if isinstance(session, ChatSession) else ""
    writing = [name for name in names if name != EXTRACTIVE]
    return {
        "names": names if len(writing) > 1 else [],
        "chosen": current if current in names else names[0],
    }
