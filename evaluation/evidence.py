"""Evidence into places of the texts that answer now: quotes become spans, documents get grades."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from django.utils import timezone

from evaluation.metrics import Gold, GoldSpan
from evaluation.models import Evidence, Question
from evaluation.quotes import find
from knowledge.models import Document, DocumentVersion

ERASED = "The document was deleted, and its words with it."
NO_TEXT = "The document has no text that answers yet."
NOT_THERE = "The quote is not in the document's text."
NO_EVIDENCE = "The question has no evidence."
INACTIVE = "The document is out of answers."
NOT_YET = "The document does not answer yet."
EXPIRED = "The document has expired."
SUPERSEDED = "Another document answers in its place."


@dataclass(frozen=True)
class Problem:
    """Evidence that could not be found again, and why; no evidence at all has no id."""

    evidence_id: int | None
    document_id: int | None
    reason: str

    @property
    def is_in_text(self) -> bool:
        """Whether the document is there and answers, and only its text lacks the quote."""
        return self.reason == NOT_THERE


@dataclass(frozen=True)
class Resolved:
    """What a question should bring, as far as its evidence is still there."""

    gold: Gold
    problems: tuple[Problem, ...] = ()


def resolve(
    questions: Sequence[Question], versions: Mapping[int, int] | None = None
) -> dict[int, Resolved]:
    """Look up the evidence of questions; by question id.

    Each text is read once, one at a time, however many quotes are looked for in it. A document that
    staff took out of answers, or whose day it is not, has no evidence: no search may find it.

    Args:
        questions: with ``evidence`` prefetched.
        versions: of each document the version to look in, such as that of a release; a document
            that it lacks is looked up in the version that answers now.
    """
    evidence = [one for question in questions for one in question.evidence.all()]
    found, problems = _places(evidence, versions or {})
    return {question.pk: _resolved(question, found, problems) for question in questions}


def problem_of(document: Document, quote: str) -> str:
    """Why this quote cannot be evidence of a document; empty where it can."""
    version = document.active_version
    if version is None:
        return NO_TEXT
    return "" if not quote.strip() or find(quote, version.text) else NOT_THERE


def _resolved(
    question: Question,
    found: Mapping[int, list[GoldSpan]],
    problems: Mapping[int, Problem],
) -> Resolved:
    evidence = list(question.evidence.all())
    answers = question.expected_outcome == Question.Outcome.ANSWERED
    grades: dict[int, float] = {}
    spans: list[GoldSpan] = []
    for one in evidence:
        if one.pk in found and one.document_id is not None:
            grades[one.document_id] = max(grades.get(one.document_id, 0.0), float(one.grade))
            spans.extend(found[one.pk])
    wrong = [problems[one.pk] for one in evidence if one.pk in problems]
    if answers and not evidence:
        wrong.append(Problem(None, None, NO_EVIDENCE))
    return Resolved(Gold(grades, tuple(spans)), tuple(wrong))


def _places(
    evidence: Iterable[Evidence], versions: Mapping[int, int]
) -> tuple[dict[int, list[GoldSpan]], dict[int, Problem]]:
    """Spans by evidence id (none for a document as a whole), and what could not be found."""
    found: dict[int, list[GoldSpan]] = {}
    problems: dict[int, Problem] = {}
    by_document: dict[int, list[Evidence]] = {}
    for one in evidence:
        if one.document_id is None:
            problems[one.pk] = Problem(one.pk, None, ERASED)
        else:
            by_document.setdefault(one.document_id, []).append(one)
    hidden = _hidden(list(by_document))
    for document_id, reason in hidden.items():
        for one in by_document.pop(document_id):
            problems[one.pk] = Problem(one.pk, document_id, reason)
    wanted = _versions_of(list(by_document), versions)
    for document_id, of_document in by_document.items():
        text = _text(wanted.get(document_id))
        for one in of_document:
            spans = _spans(one, document_id, text)
            if spans is None:
                reason = NO_TEXT if text is None else NOT_THERE
                problems[one.pk] = Problem(one.pk, document_id, reason)
            else:
                found[one.pk] = spans
    return found, problems


def _spans(evidence: Evidence, document_id: int, text: str | None) -> list[GoldSpan] | None:
    if text is None:
        return None
    if not evidence.quote:
        return []
    places = find(evidence.quote, text, evidence.position)
    return [GoldSpan(document_id, *place, text[slice(*place)]) for place in places] or None


def _hidden(document_ids: list[int]) -> dict[int, str]:
    """Documents that answer nothing now although they are there, and why."""
    documents = Document.objects.filter(pk__in=document_ids)
    shown = documents.filter(is_active=True).in_force()
    return {one.pk: _why_hidden(one) for one in documents.exclude(pk__in=shown.values("pk"))}


def _why_hidden(document: Document) -> str:
    today = timezone.localdate()
    if not document.is_active:
        return INACTIVE
    if document.effective_from and document.effective_from > today:
        return NOT_YET
    return EXPIRED if document.expires_on and document.expires_on < today else SUPERSEDED


def _versions_of(document_ids: list[int], versions: Mapping[int, int]) -> dict[int, int]:
    answering = Document.objects.filter(pk__in=document_ids).exclude(active_version=None)
    now = dict(answering.values_list("pk", "active_version_id"))
    return {pk: versions.get(pk) or now[pk] for pk in document_ids if pk in versions or pk in now}


def _text(version_id: int | None) -> str | None:
    if version_id is None:
        return None
    return DocumentVersion.objects.filter(pk=version_id).values_list("text", flat=True).first()
