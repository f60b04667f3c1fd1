"""One question asked, and what it brought as a row; rows as the figures need them."""

import logging
import random
from collections.abc import Sequence

from evaluation.asking import Asker
from evaluation.evidence import NOT_THERE, Resolved
from evaluation.models import Question, Result, Run
from evaluation.scoring import Asked, Score, leaked, score_answerable, score_unanswerable
from evaluation.summary import Line
from knowledge.retrieval.answerability import LINE

logger = logging.getLogger(__name__)

KEPT_PASSAGES = 20  # of each question: what its figures were made of


def ask_question(asker: Asker, question: Question, resolved: Resolved) -> Result:
    """One question's result, not saved; what it cannot be asked for is its fault."""
    try:
        asked = asker.ask(question.text, tuple(question.as_groups))
    except Exception:  # edge: one bad question stops no run, and is a fault that is counted
        logger.exception("question %s could not be asked", question.pk)
        return Result(question=question, fault=Result.Fault.ERROR, detail="See the log.")
    outcome = _scored(question, asked, resolved)
    forbidden = leaked(asked, asker.may_see(question.as_groups))
    fault, detail = outcome.fault, outcome.detail
    if forbidden:
        fault, detail = Result.Fault.LEAK, f"Documents {', '.join(map(str, forbidden[:10]))}"
    return Result(
        question=question,
        passages=[
            {"document_id": shown.document_id, "start": shown.start, "end": shown.end}
            for shown in asked.shown[:KEPT_PASSAGES]
        ],
        metrics=outcome.metrics,
        stages=outcome.stages,
        latency=dict(asked.latency),
        answerable=asked.answerable,
        certainty=asked.certainty,
        degraded=list(asked.degraded),
        fault=fault,
        detail=detail[:300],
    )


def _scored(question: Question, asked: Asked, resolved: Resolved) -> Score:
    if question.expected_outcome == Question.Outcome.NOT_FOUND:
        return score_unanswerable(asked)
    if not resolved.gold.grades:
        reason = resolved.problems[0].reason if resolved.problems else NOT_THERE
        return Score(fault=Result.Fault.UNRESOLVED, detail=reason)
    return score_answerable(asked, resolved.gold)


def lines_of(run: Run) -> list[Line]:
    """A run's results as the figures need them."""
    rows = run.results.select_related("question").order_by("question_id")
    return [line_of(result, result.question) for result in rows]


def line_of(result: Result, question: Question) -> Line:
    """One result as the figures need it."""
    return Line(
        key=str(question.pk),
        stratum=question.kind,
        is_answerable=question.expected_outcome == Question.Outcome.ANSWERED,
        metrics=result.metrics,
        stages=result.stages,
        answerable=result.answerable,
        claims=result.answerable >= LINE,
        certainty=result.certainty,
        fault=result.fault,
        latency=result.latency,
        is_degraded=bool(result.degraded),
    )


def sample(questions: Sequence[Question], limit: int | None, seed: int) -> list[Question]:
    """All questions, or the same few of them for the same seed."""
    if limit is None or limit >= len(questions):
        return list(questions)
    chosen = random.Random(seed).sample(list(questions), limit)  # noqa: S311  (no secret)
    return sorted(chosen, key=lambda question: question.pk)
