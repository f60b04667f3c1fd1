"""The rows of traces: written with the answer, taken from with the documents."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from django.db.models import F, Q, TextField
from django.db.models.functions import Cast

from chat.generation.sentences import Sentence
from chat.models import Instruction, Message, Trace
from chat.searched import any_removed
from chat.spending import today
from chat.tracing import EARLIER, Noted

_WORDS = ["summary", "summary_documents", "kept", "kept_documents"]
_FIELDS = ["body", *_WORDS]
_FIGURES = ["supported", "partly", "unsupported", "unknown"]
_LEAST = 20  # code points of kept words that are looked for in the answer


def store(message_id: UUID, noted: Noted) -> None:
    """What is known so far of an answer that is being made; a part of the journal's writing."""
    _put(_row(message_id, noted), _FIELDS)


def close(message_id: UUID, noted: Noted, answer: tuple[str, Sequence[Sentence]]) -> None:
    """The whole of it, with the figures of the answer that has ended: its text and sentences.

    A document that was deleted meanwhile takes its words along, and so does a memory that was
    cleared.
    """
    text, sentences = answer
    row = _row(message_id, noted)
    if row.summary and _was_cleared(message_id):
        row.summary, row.summary_documents = "", []
    row.kept = _referring(row.kept, text)
    for sentence in sentences:
        setattr(row, sentence.support, getattr(row, sentence.support) + 1)
    _put(row, [*_FIELDS, *_FIGURES])
    if row.summary or row.kept:
        forget_removed([message_id])


def amend(message_id: UUID, closed: Noted, noted: Noted) -> None:
    """Add what was asked of models after the answer had ended, unless it is gone by now.

    ``closed`` is what was stored with the end: of its words some may be erased since.
    """
    row = Trace.objects.filter(message_id=message_id, message__session__is_active=True).first()
    if row is None:
        return
    _keep(noted.instructions)
    fresh = {key: words for key, words in noted.kept.items() if key not in closed.kept}
    row.body = noted.body
    row.kept = {**row.kept, **fresh}
    row.kept_documents = _as_dicts(noted.given) if row.kept else []
    row.save(update_fields=["body", "kept", "kept_documents"])
    if EARLIER in row.kept and _was_cleared(message_id):
        _forget_memory([row])
    forget_removed([message_id])


def _row(message_id: UUID, noted: Noted) -> Trace:
    _keep(noted.instructions)
    return Trace(
        message_id=message_id,
        day=today(),
        body=noted.body,
        summary=noted.summary,
        summary_documents=_as_dicts(noted.summary_documents) if noted.summary else [],
        kept=dict(noted.kept),
        kept_documents=_as_dicts(noted.given) if noted.kept else [],
    )


def _was_cleared(message_id: UUID) -> bool:
    """Whether the reader has cleared the memory since this message was written."""
    return Message.objects.filter(pk=message_id, session__remembered_from__gt=F("ordinal")).exists()


def _as_dicts(documents: Iterable[tuple[int, int]]) -> list[dict[str, int]]:
    """The order of the keys is what ``forget_words`` looks for."""
    return [
        {"document_id": document_id, "document_version": version}
        for document_id, version in dict.fromkeys(documents)
    ]


def _referring(kept: Mapping[str, Any], text: str) -> dict[str, Any]:
    """Kept words with a place in the answer instead, where they stand in it after all."""
    return {key: _place(words, text) for key, words in kept.items()}


def _place(words: Any, text: str) -> Any:
    at = text.find(words) if isinstance(words, str) and len(words) >= _LEAST else -1
    return words if at < 0 else {"start": at, "end": at + len(words)}


def _put(row: Trace, fields: Sequence[str]) -> None:
    Trace.objects.bulk_create(
        [row], update_conflicts=True, unique_fields=["message"], update_fields=fields
    )


def _keep(instructions: Mapping[str, str]) -> None:
    """Each text once; nothing is written where it is there, which is nearly always."""
    known = Instruction.objects.filter(pk__in=list(instructions)) if instructions else ()
    new = set(instructions) - {row.digest for row in known}
    if new:
        rows = [Instruction(digest=digest, text=instructions[digest]) for digest in sorted(new)]
        Instruction.objects.bulk_create(rows, ignore_conflicts=True)


def forget_words(document_id: int) -> int:
    """Take out the summaries and the kept words that may hold words of a document."""
    named = f'"document_id": {document_id},'
    told = Trace.objects.exclude(summary="").annotate(of=Cast("summary_documents", TextField()))
    kept = Trace.objects.exclude(kept={}).annotate(of=Cast("kept_documents", TextField()))
    summaries = told.filter(of__contains=named).update(summary="", summary_documents=[])
    return summaries + kept.filter(of__contains=named).update(kept={}, kept_documents=[])


def forget_removed(message_ids: Sequence[UUID]) -> None:
    """The same for these answers and whatever documents are gone by now."""
    has_words = ~Q(summary="") | ~Q(kept={})
    for row in Trace.objects.filter(has_words, message_id__in=message_ids):
        if any_removed(row.summary_documents):
            row.summary, row.summary_documents = "", []
        if any_removed(row.kept_documents):
            row.kept, row.kept_documents = {}, []
        row.save(update_fields=_WORDS)


def forget_memory(session_id: UUID) -> int:
    """Take out what was remembered of a conversation whose reader clears the memory."""
    rows = Trace.objects.filter(message__session_id=session_id)
    _forget_memory(rows.filter(kept__has_key=EARLIER))
    return rows.exclude(summary="").update(summary="", summary_documents=[])


def _forget_memory(rows: Iterable[Trace]) -> None:
    for row in rows:
        row.kept = {key: words for key, words in row.kept.items() if key != EARLIER}
        row.save(update_fields=["kept"])
