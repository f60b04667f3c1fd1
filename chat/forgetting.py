"""What a deleted document leaves in conversations: numbers, titles and places, no words of it."""

from collections.abc import Iterable, Sequence
from uuid import UUID

from django.db import transaction
from django.db.models import Q, TextField
from django.db.models.functions import Cast

from chat import wording
from chat.conf import EXTRACTIVE
from chat.generation.sentences import Sentence, redact
from chat.models import Citation, Message

BATCH = 200  # messages a transaction


def forget_document(document_id: int) -> dict[str, int]:
    """Erase the words of a document from all answers. Safe to run twice.

    Sentences that were quoted from it give way to a removed-mark that keeps the footnote's number,
    its headings go, and it leaves the stored searches and the lists of nearest documents. Answers
    that are being written take care of it when they end.

    Returns:
        Counts of what was changed.
    """
    counts = {"answers": 0, "searches": 0}
    cited = Citation.objects.filter(document_number=document_id)
    ids = list(cited.values_list("message_id", flat=True).distinct())
    for part in _parts(ids):
        counts["answers"] += _forget_quotes(document_id, part)
    cited.exclude(heading="").update(heading="")
    for part in _parts(_that_found(document_id)):
        counts["searches"] += _forget_searches(document_id, part)
    return counts


def _parts(ids: Sequence[UUID]) -> Iterable[Sequence[UUID]]:
    return (ids[at : at + BATCH] for at in range(0, len(ids), BATCH))


@transaction.atomic
def _forget_quotes(document_id: int, ids: Sequence[UUID]) -> int:
    numbers: dict[UUID, set[int]] = {}
    for citation in Citation.objects.filter(message_id__in=ids, document_number=document_id):
        numbers.setdefault(citation.message_id, set()).add(citation.number)
    messages = list(Message.objects.filter(pk__in=ids, model=EXTRACTIVE))
    for message in messages:
        sentences = [Sentence.from_dict(stored) for stored in message.sentences]
        gone = frozenset(numbers[message.pk])
        message.text, kept = redact(message.text, sentences, gone, wording.REMOVED)
        message.sentences = [sentence.as_dict() for sentence in kept]
    Message.objects.bulk_update(messages, ["text", "sentences"])
    return len(messages)


def _that_found(document_id: int) -> list[UUID]:
    """Messages whose stored search or nearest documents may name this one."""
    named = f'"document_id": {document_id},'
    rows = Message.objects.annotate(
        found=Cast("retrieval", TextField()), near=Cast("nearest", TextField())
    ).filter(Q(found__contains=named) | Q(near__contains=named))
    return list(rows.values_list("pk", flat=True))


@transaction.atomic
def _forget_searches(document_id: int, ids: Sequence[UUID]) -> int:
    messages = list(Message.objects.filter(pk__in=ids).exclude(state=Message.State.RUNNING))
    for message in messages:
        found = message.retrieval.get("candidates", [])
        kept = [candidate for candidate in found if candidate["document_id"] != document_id]
        if message.retrieval:
            message.retrieval = {**message.retrieval, "candidates": kept}
        message.nearest = [one for one in message.nearest if one["document_id"] != document_id]
    Message.objects.bulk_update(messages, ["retrieval", "nearest"])
    return len(messages)
