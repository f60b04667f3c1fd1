"""A set as a whole: its hash, its questions as lines, what is wrong with it, and freezing it."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import Group
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from evaluation import asking
from evaluation.evidence import resolve
from evaluation.models import Question, QuestionSet

NO_GROUP = "There is no group “{}” any more."
NOT_FOR_ASKER = "Who asks may not read “{}”: add a group that may."
_AT_A_TIME = 500


@dataclass(frozen=True)
class Finding:
    """Something that keeps a question from being scored, in a sentence."""

    question: Question
    problem: str


def accepted(question_set: QuestionSet) -> "QuerySet[Question]":
    """The questions that are asked, with their evidence."""
    of_set = Question.objects.filter(
        question_set=question_set, status=Question.Status.ACCEPTED
    ).select_related("question_set")
    return of_set.prefetch_related("evidence").order_by("pk")


def content_hash(questions: "QuerySet[Question] | list[Question]") -> str:
    """SHA-256 of what is asked and what is right: the same questions have the same hash."""
    lines = sorted(
        json.dumps(
            [q.key, q.text, q.history, q.expected_outcome, sorted(q.as_groups), _evidence(q)],
            ensure_ascii=False,
        )
        for q in questions
    )
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def freeze(question_set: QuestionSet) -> QuestionSet:
    """From now on the questions stay as they are, so that runs can be compared."""
    with transaction.atomic():
        locked = QuestionSet.objects.select_for_update().get(pk=question_set.pk)
        if locked.frozen_at is None:
            locked.frozen_at = timezone.now()
            locked.content_hash = content_hash(accepted(locked))
            locked.save(update_fields=["frozen_at", "content_hash", "updated_at"])
    return locked


def thaw(question_set: QuestionSet) -> None:
    """Let the questions be changed again; the hash of later runs then tells them apart."""
    QuestionSet.objects.filter(pk=question_set.pk).update(frozen_at=None, content_hash="")


def check(question_set: QuestionSet) -> Iterator[Finding]:
    """What keeps accepted questions from being scored, question by question."""
    groups = set(Group.objects.values_list("name", flat=True))
    questions = list(accepted(question_set))
    readers = asking.Readers()
    for start in range(0, len(questions), _AT_A_TIME):
        part = questions[start : start + _AT_A_TIME]
        resolved = resolve(part)
        for question in part:
            for name in set(question.as_groups) - groups:
                yield Finding(question, NO_GROUP.format(name))
            for problem in resolved[question.pk].problems:
                yield Finding(question, problem.reason)
            may_see = readers.may_see(question.as_groups)
            hidden = [one.document for one in question.evidence.all() if one.document_id]
            for document in hidden:
                if document and document.pk not in may_see:
                    yield Finding(question, NOT_FOR_ASKER.format(document.title))


def as_lines(question_set: QuestionSet) -> Iterator[str]:
    """The questions as lines of JSON, which ``golden import`` reads again."""
    questions = question_set.questions.prefetch_related("evidence__document").order_by("pk")
    for question in questions.iterator(chunk_size=_AT_A_TIME):
        yield json.dumps(_line(question), ensure_ascii=False)


def _line(question: Question) -> dict[str, Any]:
    evidence = [
        {
            "document": one.document.title,
            "quote": one.quote,
            "grade": one.grade,
            **({"position": one.position} if one.position is not None else {}),
        }
        for one in question.evidence.all()
        if one.document is not None
    ]
    values: dict[str, Any] = {
        "id": question.key,
        "question": question.text,
        "expected": question.reference_answer,
        "answerable": question.expected_outcome == Question.Outcome.ANSWERED,
        "kind": question.kind,
        "status": question.status,
        "evidence": evidence,
        "language": question.language,
        "history": question.history,
        "groups": question.as_groups,
        "must_include": question.must_include,
    }
    needed = ("id", "question", "answerable")
    return {name: value for name, value in values.items() if value or name in needed}


def _evidence(question: Question) -> list[list[Any]]:
    return sorted(
        [one.document_id or 0, one.quote, one.grade, one.position or 0.0]
        for one in question.evidence.all()
    )
