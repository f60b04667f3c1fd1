"""What is remembered of a conversation: its last turns, and a stored summary of those before.

A summary is made in the background, after an answer, of turns as their reader may see them. It
names the documents whose words may be in it, and it is used and shown only while every one of them
may be read; deleting a document erases it (``forgetting``). Where there is none, or a part is not
summarised yet, the questions that were asked stand for it. Nothing is lost with a process: what is
not summarised is found again after the next answer.
"""

import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol, TypeVar
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Q

from chat import prompted, reading, wording
from chat.calls import Request, ask_model
from chat.conf import EXTRACTIVE, models_for
from chat.generation.context import Turn, latest
from chat.generation.llm import ChatModel, ModelConfig
from chat.generation.prompts import new_marker
from chat.generation.understanding import memory
from chat.models import ChatSession, Message
from chat.searched import any_removed, are_readable, told_by_tools
from chat.tracing import EARLIER, Tracer

logger = logging.getLogger(__name__)

T = TypeVar("T")
BY_QUESTIONS = "questions"
BATCH = 3  # turns that have left the window before a summary is made: not one after each answer
MOST_AT_ONCE = 40  # turns of one summary; what lies before them is told by the one before
SUMMARY_SECONDS = 10.0
_MOST_TOKENS = 3000  # of a conversation in the request for its summary
_GAP = 12  # turns that are told by their questions while they are not summarised


class Desk(Protocol):
    """Where the work gets its threads and its model."""

    def rows(self, work: Callable[[], T]) -> Awaitable[T]: ...

    def model(self, config: ModelConfig) -> ChatModel: ...


@dataclass(frozen=True)
class Recalled:
    """The last turns, oldest first, what was before them, and whether a summary is due.

    ``documents`` (number and version) are those whose words may be in the summary.
    """

    turns: tuple[Turn, ...] = ()
    summary: str = ""
    is_due: bool = False
    documents: tuple[tuple[int, int], ...] = ()


def recall(session: ChatSession, before: int, count: Callable[[str], int]) -> Recalled:
    """What is remembered at a message, as the conversation's reader may see it now.

    Args:
        session: with its user.
        before: the ordinal of the answer that is about to be written.
        count: tokens of a text.
    """
    most = most_turns()
    # The answer's own question stands between; what is not there needs no query.
    if not most or before < session.remembered_from + 2:
        return Recalled()
    rows = list(_turn_rows(session, before).order_by("-ordinal")[: most + BATCH])
    rows.reverse()
    kept, older = rows[-most:], rows[:-most]
    turns = latest(turns_of(kept, session.user), settings.MEMORY_TOKENS, count)
    left = [*older, *kept[: len(kept) - len(turns)]]
    if not left:
        return Recalled(turns)
    stored = readable_summary(session)
    until = session.summary_until if stored else session.remembered_from
    told = _told(session, left[-1].ordinal, until)
    summary = memory.of_questions(told, stored) if told else stored
    is_due = len([row for row in older if row.ordinal >= until]) >= BATCH
    known = session.summary_documents if stored else []
    documents = [(one["document_id"], one["document_version"]) for one in known]
    documents += [document for turn in told for document in turn.documents]
    return Recalled(
        turns, memory.cut(summary, settings.MEMORY_TOKENS // 2), is_due, tuple(documents)
    )


def most_turns() -> int:
    """How many turns are remembered as they are; a turn is two messages."""
    return (int(settings.MEMORY_MESSAGES) + 1) // 2


def _told(session: ChatSession, last: int, until: int) -> tuple[Turn, ...]:
    rows = _turn_rows(session, last + 1).filter(ordinal__gte=until).order_by("-ordinal")[:_GAP]
    return turns_of(list(reversed(rows)), session.user)


def _turn_rows(session: ChatSession, before: int) -> Any:
    """Finished answers that said something of the matter, of the versions that are shown.

    Small talk is not remembered.
    """
    talk = Q(outcome=Message.Outcome.GENERAL, model=EXTRACTIVE)
    return (
        Message.objects.filter(
            session_id=session.pk,
            is_shown=True,
            ordinal__lt=before,
            ordinal__gte=session.remembered_from,
            state=Message.State.DONE,
            outcome__isnull=False,
        )
        .exclude(talk)
        .select_related("question")
    )


def turns_of(rows: Sequence[Message], user: Any) -> tuple[Turn, ...]:
    """Answers as turns, as the user may still read them."""
    for row in rows:  # only here: a turn needs to know what it stands on, shown or not
        row.options = {**row.options, "include_sources": True}
    bodies = reading.answers(rows, user=user)
    return tuple(
        _turn(row, row.question.text, body)
        for row, body in zip(rows, bodies, strict=True)
        if row.question is not None
    )


def _turn(row: Message, question: str, body: Mapping[str, Any]) -> Turn:
    """A turn; an answer in a model's words that stands on what may not be read now is left out.

    A model may have used what it did not cite, so all that it was given counts as its documents.
    """
    cited = [source for source in body["sources"] if source["gone"] is None]
    is_whole = len(cited) == len(body["sources"]) or body["model"] == EXTRACTIVE
    said = body["message"] if is_whole else wording.RESTRICTED
    given = (
        []
        if body["model"] == EXTRACTIVE
        else [*row.retrieval.get("candidates", []), *told_by_tools(row.retrieval)]
    )
    headings = (source["heading"].split(" › ")[-1] for source in cited)
    return Turn(
        question=question,
        answer="" if body["outcome"] == Message.Outcome.NOT_FOUND else said,
        titles=_distinct(source["title"] for source in cited),
        headings=_distinct(headings),
        documents=tuple(
            dict.fromkeys((one["document_id"], one["document_version"]) for one in (*cited, *given))
        ),
        of=str(row.pk),
    )


def _distinct(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(text for text in texts if text))


def documents_as_dicts(documents: Iterable[tuple[int, int]]) -> list[dict[str, int]]:
    """As rows keep them; the order of the keys is what ``forgetting`` looks for."""
    return [
        {"document_id": document_id, "document_version": version}
        for document_id, version in dict.fromkeys(documents)
    ]


def readable_summary(session: ChatSession) -> str:
    """The stored summary, if all of its documents may be read by the conversation's reader."""
    if not session.summary or not are_readable(session.summary_documents, session.user):
        return ""
    return session.summary


# --- Making a summary ---------------------------------------------------------------------------


@dataclass(frozen=True)
class Work:
    """What is to be summarised; ``seen`` and ``branch`` are the session's when it was read."""

    session_id: UUID
    remembered_from: int
    seen: int
    until: int
    earlier: str
    turns: tuple[Turn, ...]
    documents: tuple[tuple[int, int], ...]
    by_model: bool
    message_id: UUID
    branch: int = 0


async def summarise(desk: Desk, *, message_id: UUID, trace: Tracer) -> None:
    """Summarise what has left the window of a conversation, once its answer is out."""
    work = await desk.rows(partial(due, message_id))
    if work is None:
        return
    said = await _said(desk, work, trace) if work.by_model else ""
    text = said or memory.of_questions(work.turns, work.earlier)
    if not await desk.rows(partial(store, work, text, "model" if said else BY_QUESTIONS)):
        trace.drop(EARLIER)  # the reader may have cleared it


async def _said(desk: Desk, work: Work, trace: Tracer) -> str:
    windows = [config.window for config in models_for("summary")]
    room = min([_MOST_TOKENS, *(window // 3 for window in windows)])
    marker = new_marker()
    messages = memory.request(work.turns, work.earlier, room, marker)
    trace.gave(work.documents)
    recipe = partial(prompted.summary, trace, marker, (work.turns, work.earlier), room)
    tell = partial(trace.asked, recipe)
    request = Request(
        "summary", messages, memory.SUMMARY_TOKENS, SUMMARY_SECONDS, work.message_id, tell
    )
    return memory.read(await ask_model(desk, request) or "")


def due(message_id: UUID) -> Work | None:
    """What of a conversation has left the window and is not summarised yet."""
    message = Message.objects.select_related("session__user").filter(pk=message_id).first()
    if message is None or not most_turns():
        return None
    session = message.session
    rows = list(_turn_rows(session, message.ordinal + 1).order_by("-ordinal")[: most_turns()])
    if not rows:
        return None
    until = rows[-1].ordinal - 1  # of the question of the oldest turn in the window
    earlier = readable_summary(session)
    begin = session.summary_until if earlier else session.remembered_from
    older = _turn_rows(session, until).filter(ordinal__gte=begin).order_by("-ordinal")
    turns = turns_of(list(reversed(older[:MOST_AT_ONCE])), session.user)
    if not turns:
        return None
    known = [(one["document_id"], one["document_version"]) for one in session.summary_documents]
    cited = [document for turn in turns for document in turn.documents]
    return Work(
        session_id=session.pk,
        remembered_from=session.remembered_from,
        seen=session.summary_until,
        until=until,
        earlier=earlier,
        turns=turns,
        documents=tuple(dict.fromkeys([*(known if earlier else []), *cited])),
        by_model=message.model != EXTRACTIVE,
        message_id=message_id,
        branch=session.branch,
    )


def store(work: Work, text: str, by: str) -> bool:
    """Keep a summary, unless the reader cleared the memory or chose another version meanwhile.

    Nor is it kept where another one was quicker.

    A document that was deleted while it was made is looked for before and after it is written:
    ``forgetting`` finds only what is there.
    """
    documents = documents_as_dicts(work.documents)
    session = ChatSession.objects.filter(
        pk=work.session_id,
        branch=work.branch,
        remembered_from=work.remembered_from,
        summary_until=work.seen,
    )
    with transaction.atomic():
        if any_removed(documents):
            return False
        written = session.update(
            summary=text,
            summary_by=by,
            summary_until=work.until,
            summary_documents=documents,
        )
    if written and any_removed(documents):
        forget_summaries([work.session_id])
        return False
    return bool(written)


def forget_summaries(session_ids: Sequence[UUID]) -> int:
    """Erase what was summarised; it is made anew of what is left after the next answer."""
    return ChatSession.objects.filter(pk__in=session_ids).update(
        summary="", summary_by="", summary_until=0, summary_documents=[]
    )
