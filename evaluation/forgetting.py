"""What a deleted document leaves in evaluation: figures and places in others, no words of it."""

from collections.abc import Iterator

from django.db import transaction
from django.db.models import Q, QuerySet, TextField
from django.db.models.functions import Cast

from evaluation.models import Evidence, Question, Result

BATCH = 200  # results a transaction


def forget_document(document_id: int) -> dict[str, int]:
    """Erase a document's words from questions and its passages from results. Safe to run twice.

    The rows of its evidence stay without quote and document, so that staff see why a question
    cannot be scored any more. Its questions lose their reference answers, which may repeat the
    document's words; the questions themselves are the asker's and stay.
    """
    of_document = Evidence.objects.filter(document=document_id)
    questions = Question.objects.filter(pk__in=of_document.values("question"))
    with transaction.atomic():
        answers = questions.exclude(reference_answer="", must_include=[]).update(
            reference_answer="", must_include=[]
        )
        quotes = of_document.update(
            quote="",
            position=None,
            document=None,
            checked_version=None,
            found_in=None,
            lost_in=None,
        )
    results = sum(_forget_passages(document_id, part) for part in _parts(_that_found(document_id)))
    return {"quotes": quotes, "answers": answers, "results": results}


def _that_found(document_id: int) -> "QuerySet[Result]":
    """Results that may name the document; the number ends with what follows it in JSON."""
    number = f'"document_id": {document_id}'
    return Result.objects.annotate(found=Cast("passages", TextField())).filter(
        Q(found__contains=f"{number},") | Q(found__contains=f"{number}}}")
    )


def _parts(results: "QuerySet[Result]") -> Iterator[list[int]]:
    ids = list(results.order_by("pk").values_list("pk", flat=True))
    return (ids[at : at + BATCH] for at in range(0, len(ids), BATCH))


@transaction.atomic
def _forget_passages(document_id: int, ids: list[int]) -> int:
    rows = list(Result.objects.select_for_update().filter(pk__in=ids).order_by("pk"))
    for result in rows:
        result.passages = [one for one in result.passages if one["document_id"] != document_id]
        result.answer = ""
    Result.objects.bulk_update(rows, ["passages", "answer"])
    return len(rows)
