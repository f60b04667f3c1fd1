"""The rows of traces: written with the answer, taken from with the documents."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from django.db.models import TextField
from django.db.models.functions import Cast

from chat.generation.sentences import Sentence
from chat.models import Instruction, Trace
from chat.spending import today
from chat.tracing import Noted

_FIELDS = ["body", "summary", "summary_documents"]
_FIGURES = ["supported", "partly", "unsupported", "unknown"]


def store(message_id: UUID, noted: Noted) -> None:
    """What is known so far of an answer that is being made; a part of the journal's writing."""
    _put(_row(message_id, noted), _FIELDS)


def close(message_id: UUID, noted: Noted, sentences: Sequence[Sentence]) -> None:
    """The whole of it, with the figures of the answer that has ended."""
    row = _row(message_id, noted)
    for sentence in sentences:
        setattr(row, sentence.support, getattr(row, sentence.support) + 1)
    _put(row, [*_FIELDS, *_FIGURES])


def _row(message_id: UUID, noted: Noted) -> Trace:
    _keep(noted.instructions)
    documents = [
        {"document_id": document_id, "document_version": version}
        for document_id, version in dict.fromkeys(noted.summary_documents)
    ]
    return Trace(
        message_id=message_id,
        day=today(),
        body=noted.body,
        summary=noted.summary,
        summary_documents=documents if noted.summary else [],
    )


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


def forget_summaries(document_id: int) -> int:
    """Take out the summaries that may hold words of a document."""
    named = f'"document_id": {document_id},'
    rows = Trace.objects.exclude(summary="").annotate(of=Cast("summary_documents", TextField()))
    return rows.filter(of__contains=named).update(summary="", summary_documents=[])


def forget_summaries_of(session_id: UUID) -> int:
    """Take out what was remembered of a conversation whose reader clears the memory."""
    rows = Trace.objects.filter(message__session_id=session_id).exclude(summary="")
    return rows.update(summary="", summary_documents=[])
