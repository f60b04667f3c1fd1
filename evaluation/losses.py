"""Evidence that a release does not have any more: by question and document, and what it counts.

A new version that lost the passage has lost the answer: that is a miss. A document that was
deleted, switched off, superseded or has expired was meant to go: its questions are left out, and
said to be.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.urls import reverse

from evaluation.evidence import Problem, Resolved
from evaluation.models import Question
from evaluation.summary import PRIMARY, Line
from knowledge.models import Document

KEPT = 500  # losses of one run
_TITLE = 120
_COUNTS = "It counts as a miss."


@dataclass(frozen=True)
class Compared:
    """The lines of a candidate with what it lost as misses, and the questions of these."""

    lines: list[Line]
    missed: frozenset[int]


@dataclass(frozen=True)
class Row:
    """A loss for people."""

    question: str
    question_url: str
    document: str  # its title; empty where it is gone
    document_url: str
    sentence: str


def problems_in(resolved: Mapping[int, Resolved]) -> dict[int, tuple[Problem, ...]]:
    """What could not be found, by question; without the questions that have all their evidence."""
    return {pk: one.problems for pk, one in resolved.items() if one.problems}


def as_misses(
    lines: Sequence[Line], before: Iterable[Line], problems: Mapping[int, Sequence[Problem]]
) -> Compared:
    """A figure that a question had before, and lost with a new version of a document, is 0.

    Args:
        lines: of the candidate; a question without evidence has no figures.
        before: of what it is compared with.
        problems: of the candidate's evidence, by question.
    """
    had = {line.key: line.metrics for line in before}
    found, missed = [], set()
    for line in lines:
        is_lost = any(one.is_in_text for one in problems.get(int(line.key), ()))
        names = [name for name in PRIMARY if name in had.get(line.key, {})]
        gone = {name: 0.0 for name in names if name not in line.metrics}
        if is_lost and gone:
            missed.add(int(line.key))
            line = replace(line, metrics={**line.metrics, **gone})  # noqa: PLW2901
        found.append(line)
    return Compared(found, frozenset(missed))


def as_json(
    problems: Mapping[int, Sequence[Problem]], missed: Collection[int] = ()
) -> list[dict[str, Any]]:
    """Numbers and reasons, and no words of a document, which may be erased."""
    return [
        {
            "question": question,
            "document": one.document_id,
            "reason": one.reason,
            "counts": question in missed and one.is_in_text,
        }
        for question, of_question in sorted(problems.items())
        for one in of_question
    ][:KEPT]


def sentence(problems: Mapping[int, Sequence[Problem]], missed: Collection[int]) -> str:
    """Such as "2 golden questions lost their evidence."; empty without any."""
    found = []
    if missed:
        found.append(
            f"{_questions(len(missed))} lost {_their(len(missed))} evidence with a new version of "
            f"the document, and {'count' if len(missed) > 1 else 'counts'} as a miss."
        )
    others = len(set(problems) - set(missed))
    if others:
        found.append(
            f"{others} more could not find all {_their(others)} evidence."
            if missed
            else f"{_questions(others)} could not find all {_their(others)} evidence."
        )
    return " ".join(found)


def rows(lost: Sequence[Mapping[str, Any]]) -> list[Row]:
    """What `as_json` kept, with the words of today; questions that are gone are left out."""
    texts = _by_id(Question.objects, {one["question"] for one in lost}, "text")
    titles = _by_id(Document.objects, {one["document"] for one in lost}, "title")
    return [
        Row(
            question=texts[one["question"]][:_TITLE],
            question_url=reverse("admin:evaluation_question_change", args=[one["question"]]),
            document=titles.get(one["document"], ""),
            document_url=(
                reverse("admin:knowledge_document_change", args=[one["document"]])
                if one["document"] in titles
                else ""
            ),
            sentence=f"{one['reason']} {_COUNTS}" if one["counts"] else str(one["reason"]),
        )
        for one in lost
        if one["question"] in texts
    ]


def rows_of_gate(gate: Mapping[str, Any]) -> list[Row]:
    """What the gate of a build kept, for the build's page (``INDEX_GATE_LOSSES``)."""
    return rows(gate.get("lost", ()))


def _by_id(objects: Any, ids: set[Any], name: str) -> dict[int, str]:
    return dict(objects.filter(pk__in=ids - {None}).values_list("pk", name))


def _questions(count: int) -> str:
    return f"{count} golden question{'s' if count != 1 else ''}"


def _their(count: int) -> str:
    return "their" if count != 1 else "its"
