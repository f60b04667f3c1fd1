"""A conversation's title by a model, once its first answer is out; nobody waits for it.

It is made of the question alone, so that no document's words get into it, and it takes the place of
nothing but the title that was cut from the question.
"""

from functools import partial
from uuid import UUID

from django.conf import settings

from chat import prompted
from chat.calls import CallDesk, Request, ask_model
from chat.conf import models_for
from chat.generation import titling
from chat.generation.prompts import new_marker
from chat.models import ChatSession, Message
from chat.titles import title_from
from chat.tracing import Tracer

FIRST = 1  # ordinal of a conversation's first answer


async def entitle(desk: CallDesk, *, message_id: UUID, trace: Tracer) -> None:
    """Give a conversation a better title than the beginning of its first question."""
    if not settings.TITLE_TIMEOUT_MS or not models_for("title"):
        return
    question = await desk.rows(partial(untitled, message_id))
    if not question:
        return
    marker = new_marker()
    request = Request(
        purpose="title",
        messages=titling.request(question, marker),
        max_tokens=titling.MAX_TOKENS,
        seconds=settings.TITLE_TIMEOUT_MS / 1000,
        message_id=message_id,
        tell=partial(trace.asked, partial(prompted.title, marker)),
    )
    title = titling.read(await ask_model(desk, request) or "", question)
    if title:
        await desk.rows(partial(store, message_id, question, title))


def untitled(message_id: UUID) -> str:
    """The first question of a conversation that is still called after it; else nothing."""
    message = (
        Message.objects.filter(pk=message_id, ordinal=FIRST, session__is_active=True)
        .select_related("question", "session")
        .first()
    )
    if message is None or message.question is None:
        return ""
    session, question = message.session, message.question.text
    is_ours = not session.title_is_theirs and session.title == title_from(question)
    return question if is_ours else ""


def store(message_id: UUID, question: str, title: str) -> bool:
    """Keep a title, unless its reader gave it one meanwhile."""
    sessions = ChatSession.objects.filter(
        messages=message_id, title_is_theirs=False, title=title_from(question), is_active=True
    )
    return bool(sessions.update(title=title))
