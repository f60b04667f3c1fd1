"""Golden evidence after its document changed: what a new version lost, staff are told of.

A new version is searchable in seconds and waits for no gate. The golden questions whose evidence
lies in the changed documents are looked at right after. The rows are the queue: evidence is due
while the version that answers is another than the one that it was last looked for in.
"""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any, Literal

from django.db.models import F, Q, QuerySet
from django.urls import reverse

from evaluation.models import Evidence, Question, QuestionSet
from evaluation.quotes import find
from knowledge.models import Document, DocumentVersion
from knowledge.notices import Link, Notice

_DOCUMENTS = 200  # in one turn; the sweep has the next
_SHOWN_DOCUMENTS = 5
_SHOWN_QUESTIONS = 10
_WHAT_TO_DO = "Correct the questions, or replace this version."


def check_changed(limit: int = _DOCUMENTS) -> int:
    """Look for the golden evidence in documents that answer from another version than before.

    Safe twice, at the same time, and killed at any moment.

    Returns:
        How many documents were looked at.
    """
    due = _golden().exclude(document__active_version=None)
    due = due.filter(
        Q(checked_version=None) | ~Q(checked_version=F("document__active_version"))
    ).select_related("document__active_version")
    ids = list(due.order_by("document").values_list("document", flat=True).distinct()[:limit])
    for document_id in ids:
        _check(list(due.filter(document=document_id).defer("document__active_version__pages")))
    return len(ids)


def notices(document_id: int | None = None) -> list[Notice]:
    """What the versions that answer now have lost, of all documents or of one."""
    lost = _lost()
    if document_id is not None:
        lost = lost.filter(document=document_id)
    by_document: dict[int, list[Evidence]] = defaultdict(list)
    for one in lost.select_related("document", "question").order_by("document", "question"):
        by_document[one.document_id or 0].append(one)
    found = [_notice(of_document) for of_document in by_document.values()]
    if len(found) <= _SHOWN_DOCUMENTS:
        return found
    more = len(found) - _SHOWN_DOCUMENTS
    return [*found[:_SHOWN_DOCUMENTS], Notice(f"Golden questions of {more} more documents too.")]


def health() -> tuple[Literal["ok", "degraded"], Any]:
    """How many golden questions lost their evidence, with one sentence a document."""
    count = _lost().values("question").distinct().count()
    if not count:
        return "ok", {"lost": 0}
    return "degraded", {"lost": count, "detail": " ".join(one.sentence for one in notices())}


def _golden() -> "QuerySet[Evidence]":
    """Evidence that the gate would ask for, of documents that are there."""
    return Evidence.objects.filter(
        question__question_set__kind=QuestionSet.Kind.GOLDEN,
        question__status=Question.Status.ACCEPTED,
        document__isnull=False,
    )


def _lost() -> "QuerySet[Evidence]":
    """Lost evidence of documents that answer: what was taken out on purpose is no loss."""
    answering = Document.objects.filter(is_active=True).in_force()
    return _golden().exclude(lost_in=None).filter(document__in=answering.values("pk"))


def _check(of_document: Iterable[Evidence]) -> None:
    for one in of_document:
        if one.document is None or (version := one.document.active_version) is None:
            continue
        found_in, lost_in = one.found_in, None
        if not one.quote or find(one.quote, version.text):
            found_in = version.number
        else:
            found_in = one.found_in or _newest_with(one.quote, version)
            lost_in = version.number if found_in else None
        # An edit since it was read starts anew: the form has looked at its quote.
        Evidence.objects.filter(pk=one.pk, quote=one.quote, document=one.document_id).update(
            checked_version=version.pk, found_in=found_in, lost_in=lost_in
        )


def _newest_with(quote: str, version: DocumentVersion) -> int | None:
    """The number of the newest older version that has a quote."""
    older = DocumentVersion.objects.filter(document=version.document_id, number__lt=version.number)
    for number, text in older.order_by("-number").values_list("number", "text").iterator():
        if find(quote, text):
            return number
    return None


def _notice(lost: list[Evidence]) -> Notice:
    document, questions = lost[0].document, {one.question_id: one.question for one in lost}
    count = len(questions)
    subject = "1 golden question lost its" if count == 1 else f"{count} golden questions lost their"
    title = document.title if document is not None else ""
    links = tuple(
        Link(question.text[:120], reverse("admin:evaluation_question_change", args=[pk]))
        for pk, question in list(questions.items())[:_SHOWN_QUESTIONS]
    )
    return Notice(
        f"{subject} evidence with version {lost[0].lost_in} of “{title}”. {_WHAT_TO_DO}", links
    )
