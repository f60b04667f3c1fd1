"""What a deleted document leaves in conversations: numbers, titles and places, no words of it."""

from collections.abc import Container, Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Q, TextField
from django.db.models.functions import Cast

from chat import searched, traces, wording
from chat.generation.sentences import Sentence
from chat.models import ChatSession, Citation, Message
from chat.redaction import cover
from knowledge.passages import Span
from knowledge.search import removed_spans

BATCH = 200  # messages a transaction


def forget_document(document_id: int) -> dict[str, int]:
    """Erase the words of a document from all answers. Safe to run twice.

    Sentences that were quoted from it give way to a removed-mark that keeps the footnote's number,
    its headings go, and it leaves the stored searches, the lists of nearest documents and what is
    remembered of conversations. Answers that are being written take care of it when they end.

    Returns:
        Counts of what was changed.
    """
    counts = {"answers": 0, "searches": 0, "summaries": 0}
    cited = Citation.objects.filter(document_number=document_id)
    ids = list(cited.values_list("message_id", flat=True).distinct())
    for part in _parts(ids):
        counts["answers"] += _forget_quotes(document_id, part)
    cited.exclude(heading="").update(heading="")
    for part in _parts(_that_found(document_id)):
        counts["searches"] += _forget_searches(document_id, part)
    counts["summaries"] = _forget_summaries(document_id)
    counts["traces"] = traces.forget_words(document_id)
    return counts


def _parts(ids: Sequence[UUID]) -> Iterable[Sequence[UUID]]:
    return (ids[at : at + BATCH] for at in range(0, len(ids), BATCH))


def forget_removed(ids: Sequence[UUID]) -> None:
    """Do what ``forget_document`` left to the end of these answers, of all documents gone since."""
    for part in _parts(ids):
        cited = Citation.objects.filter(message_id__in=part)
        places = {(c.document_number, c.version_number, c.start, c.end) for c in cited}
        for message in Message.objects.filter(pk__in=part).only("retrieval", "nearest"):
            places |= {_place(one) for one in _found_by(message.retrieval, message.nearest)}
        removed = removed_spans([Span(*place) for place in places])
        for document_id in {span.document_id for span in removed if span.document_id is not None}:
            _forget_quotes(document_id, part)
            cited.filter(document_number=document_id).exclude(heading="").update(heading="")
            _forget_searches(document_id, part)
        traces.forget_removed(part)


def without_removed(
    retrieval: Mapping[str, Any], nearest: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """The stored search and nearest documents of an answer, without what was deleted meanwhile."""
    places = {_place(one) for one in _found_by(retrieval, nearest)}
    removed = {span.document_id for span in removed_spans([Span(*place) for place in places])}
    kept = {"nearest": [one for one in nearest if one["document_id"] not in removed]}
    return {**kept, "retrieval": _without(retrieval, removed)} if retrieval else kept


def _found_by(
    retrieval: Mapping[str, Any], nearest: Iterable[Mapping[str, Any]]
) -> list[Mapping[str, Any]]:
    carried = retrieval.get("understood", {}).get("documents", [])
    told = searched.told_by_tools(retrieval)
    return [*retrieval.get("candidates", []), *told, *carried, *nearest]


def _place(found: Mapping[str, Any]) -> tuple[int, int, int, int]:
    start, end = found.get("start", 0), found.get("end", 1)
    return found["document_id"], found["document_version"], start, end


def _without(retrieval: Mapping[str, Any], removed: Container[int | None]) -> dict[str, Any]:
    found = retrieval.get("candidates", [])
    kept = [candidate for candidate in found if candidate["document_id"] not in removed]
    return {**searched.without_removed(retrieval, removed), "candidates": kept}


@transaction.atomic
def _forget_quotes(document_id: int, ids: Sequence[UUID]) -> int:
    numbers: dict[UUID, set[int]] = {}
    for citation in Citation.objects.filter(message_id__in=ids, document_number=document_id):
        numbers.setdefault(citation.message_id, set()).add(citation.number)
    changed = []
    for message in _ended(ids):
        sentences = [Sentence.from_dict(stored) for stored in message.sentences]
        gone = frozenset(numbers.get(message.pk, ()))
        text, kept = cover(message.model, (message.text, sentences), gone, wording.REMOVED)
        if text != message.text:
            message.text = text
            message.sentences = [sentence.as_dict() for sentence in kept]
            changed.append(message)
    Message.objects.bulk_update(changed, ["text", "sentences"])
    return len(changed)


def _ended(ids: Sequence[UUID]) -> list[Message]:
    """The ended ones of these; one that is just being ended is waited for."""
    rows = Message.objects.select_for_update().filter(pk__in=ids).order_by("pk")
    return [message for message in rows if message.state != Message.State.RUNNING]


def _that_found(document_id: int) -> list[UUID]:
    """Messages whose stored search or nearest documents may name this one."""
    named = f'"document_id": {document_id},'
    rows = Message.objects.annotate(
        found=Cast("retrieval", TextField()), near=Cast("nearest", TextField())
    ).filter(Q(found__contains=named) | Q(near__contains=named))
    return list(rows.values_list("pk", flat=True))


def _forget_summaries(document_id: int) -> int:
    """Summaries that may hold words of it go as a whole; they are made anew of what is left."""
    named = f'"document_id": {document_id},'
    summed = ChatSession.objects.annotate(of=Cast("summary_documents", TextField()))
    return summed.filter(of__contains=named).update(
        summary="", summary_by="", summary_until=0, summary_documents=[]
    )


@transaction.atomic
def _forget_searches(document_id: int, ids: Sequence[UUID]) -> int:
    messages = _ended(ids)
    for message in messages:
        if message.retrieval:
            message.retrieval = _without(message.retrieval, {document_id})
        message.nearest = [one for one in message.nearest if one["document_id"] != document_id]
    Message.objects.bulk_update(messages, ["retrieval", "nearest"])
    return len(messages)
