"""The rows of running answers. Each function is one short piece of work for a thread of its own.

The message's row is the journal: text is appended to it in batches, every write repeats the lease's
token, and a process that lost its lease changes nothing. Leases go by the database's clock.
"""

from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import DateTimeField, ExpressionWrapper, QuerySet
from django.db.models.expressions import CombinedExpression
from django.db.models.functions import Now

from chat import forgetting, reading, traces, wording
from chat.generation.sentences import Sentence
from chat.models import ChatSession, Citation, Message
from chat.redaction import cover
from chat.runs import Quoted
from chat.tracing import Noted
from core.statements import NO_KEY, Marks, statement
from knowledge.search import removed_spans

LEASE = timedelta(seconds=30)
_RUNNING = Message.State.RUNNING
_ATTEMPTS = 3  # a document may be deleted between the look and the commit, once, hardly twice


def lease_end() -> "ExpressionWrapper[CombinedExpression]":
    return ExpressionWrapper(Now() + LEASE, output_field=DateTimeField())


@dataclass(frozen=True)
class Draft:
    """What a run has written since the last flush."""

    message_id: UUID
    token: UUID
    text: str | None = None  # None: nothing new, only the lease is renewed
    quotes: tuple[Quoted, ...] = ()
    fields: dict[str, Any] = field(default_factory=dict)
    trace: Noted | None = None  # None: nothing new
    row: Any = None  # the message as it was stored, with its asker, where that is at hand


@dataclass(frozen=True)
class Flushed:
    lost: frozenset[UUID]  # another process, or the sweep, has these now
    stopping: frozenset[UUID]  # their readers asked them to stop


@dataclass(frozen=True)
class Ending:
    """How an answer ended."""

    state: str
    outcome: str | None = None
    model: str = ""
    confidence: str = ""
    notice: wording.Notice | None = None
    sentences: tuple[Sentence, ...] = ()
    nearest: tuple[dict[str, Any], ...] = ()
    tokens_used: int = 0
    degraded: tuple[str, ...] = ()


def flush(drafts: Sequence[Draft]) -> Flushed:
    """Write what is new and renew the leases of all of these, in one short transaction."""
    changed = [draft for draft in drafts if draft.text is not None]
    lost: set[UUID] = set()
    ids = [draft.message_id for draft in drafts]
    with transaction.atomic():
        for draft in changed:
            if not _write(draft):
                lost.add(draft.message_id)
        _renew([draft for draft in drafts if draft.text is None])
    rows = {
        pk: (token, is_stopping)
        for pk, token, is_stopping in Message.objects.filter(
            pk__in=ids, state=_RUNNING
        ).values_list("pk", "lease_token", "stop_requested")
    }
    lost |= {d.message_id for d in drafts if rows.get(d.message_id, (None,))[0] != d.token}
    stopping = {pk for pk, (_, is_stopping) in rows.items() if is_stopping}
    return Flushed(frozenset(lost), frozenset(stopping))


def stops(ids: Sequence[UUID]) -> frozenset[UUID]:
    """Which of these answers their readers asked to stop."""
    return frozenset(
        Message.objects.filter(pk__in=ids, stop_requested=True).values_list("pk", flat=True)
    )


def _write(draft: Draft) -> bool:
    written = Message.objects.filter(
        pk=draft.message_id, lease_token=draft.token, state=_RUNNING
    ).update(text=draft.text, lease_until=lease_end(), updated_at=Now(), **draft.fields)
    if written and draft.quotes:
        there = _still_there(draft.quotes)
        rows = [_citation(draft.message_id, quote, there) for quote in draft.quotes]
        Citation.objects.bulk_create(rows, ignore_conflicts=True)
    if written and draft.trace is not None:
        traces.store(draft.message_id, draft.trace)
    return bool(written)


def _renew(drafts: Sequence[Draft]) -> None:
    if drafts:
        Message.objects.filter(
            pk__in=[draft.message_id for draft in drafts],
            lease_token__in=[draft.token for draft in drafts],
            state=_RUNNING,
        ).update(lease_until=lease_end())


def finish(draft: Draft, ending: Ending, milliseconds: int) -> dict[str, Any] | None:
    """Write the end of an answer; None where the lease was lost and nothing was written.

    A document that was deleted meanwhile keeps its footnote's number and gives up its words.

    Returns:
        The *answer* as its asker may see it now.
    """
    ends: dict[str, Any] | None = None
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            with transaction.atomic():
                ends = _end(draft, ending, milliseconds)
            break
        except IntegrityError:
            if attempt == _ATTEMPTS:
                raise
    if ends is None:
        return None
    message = _ended(draft, ends)
    return reading.answer(message, user=message.session.user)


def _ended(draft: Draft, ends: Mapping[str, Any]) -> Message:
    """The row as it was just written; read anew where its asker is not who they were."""
    asker = statement(("asker",), _marked_asker).rows(message=draft.message_id)
    if draft.row is None or asker != [(draft.row.session.user_id,)]:
        return Message.objects.select_related("session__user").get(pk=draft.message_id)
    message: Message = copy(draft.row)
    for name, value in ends.items():
        setattr(message, name, value)
    return message


def _marked_asker() -> tuple[QuerySet[Any, Any], Marks]:
    mark = UUID(int=NO_KEY)
    rows = Message.objects.filter(pk=mark, session__user__is_active=True).order_by()
    return rows.values_list("session__user_id"), {"message": mark}


def _end(draft: Draft, ending: Ending, milliseconds: int) -> dict[str, Any] | None:
    """Write it; what was written, or None where the lease was lost."""
    held = Message.objects.select_for_update().filter(
        pk=draft.message_id, lease_token=draft.token, state=_RUNNING
    )
    if not held.exists():
        return None
    # What is looked up from here on cannot be forgotten in between: forgetting waits for the row.
    there = _still_there(draft.quotes)
    gone = frozenset(q.number for q in draft.quotes if q.passage.document_id not in there)
    text, sentences = cover(
        ending.model, (draft.text or "", ending.sentences), gone, wording.REMOVED
    )
    found = forgetting.without_removed(draft.fields.get("retrieval", {}), ending.nearest)
    ends = {
        **draft.fields,
        **found,
        "text": text,
        "state": ending.state,
        "outcome": ending.outcome,
        "model": ending.model,
        "confidence": ending.confidence,
        "notice": ending.notice,
        "sentences": [sentence.as_dict() for sentence in sentences],
        "degraded": list(ending.degraded),
        "tokens_used": ending.tokens_used,
        "processing_time": milliseconds,
        "lease_token": None,
        "lease_until": None,
        "updated_at": Now(),
    }
    Message.objects.filter(pk=draft.message_id).update(**ends)
    Citation.objects.filter(message_id=draft.message_id).delete()
    Citation.objects.bulk_create(_citation(draft.message_id, q, there) for q in draft.quotes)
    ChatSession.objects.filter(messages=draft.message_id).update(last_activity=Now())
    if draft.trace is not None:
        traces.close(draft.message_id, draft.trace, (text, sentences))
    return ends


def _still_there(quotes: Sequence[Quoted]) -> set[int]:
    """The cited documents that were not deleted."""
    removed = removed_spans([quote.span for quote in quotes])
    return {quote.passage.document_id for quote in quotes if quote.span not in removed}


def _citation(message_id: UUID, quote: Quoted, there: set[int]) -> Citation:
    passage = quote.passage
    is_there = passage.document_id in there
    return Citation(
        message_id=message_id,
        number=quote.number,
        document_id=passage.document_id if is_there else None,
        version_id=passage.version_id if is_there else None,
        document_number=passage.document_id,
        version_number=passage.document_version,
        title=passage.title[:200],
        heading=passage.heading[:500] if is_there else "",
        page=passage.page,
        start=quote.start,
        end=quote.end,
        passage_start=passage.start,
        passage_end=passage.end,
        score=round(min(1.0, max(0.0, passage.score)), 4),
    )


def interrupt_expired() -> int:
    """Answers whose process is gone: they keep their text and can be asked for again.

    What was deleted while they were written is forgotten here, as nobody else ends them.
    """
    expired = Message.objects.filter(state=_RUNNING, lease_until__lt=Now())
    ids = list(expired.values_list("pk", flat=True))
    if not ids:
        return 0
    interrupted = expired.filter(pk__in=ids).update(
        state=Message.State.INTERRUPTED, lease_token=None, lease_until=None, updated_at=Now()
    )
    forgetting.forget_removed(ids)
    return interrupted


def allowed(message_ids: Sequence[UUID]) -> set[UUID]:
    """Those whose conversation is still there and whose asker may still come in."""
    return set(
        Message.objects.filter(
            pk__in=message_ids, session__is_active=True, session__user__is_active=True
        ).values_list("pk", flat=True)
    )
