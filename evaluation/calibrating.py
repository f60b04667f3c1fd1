"""Fits of "not found" on the golden questions: rows that wait, are done, and can be undone.

queued --claim--> running --+--> done --undo--> (the shipped calibration decides again)
   ^                        +--> failed (with a sentence)
   +---- lease ran out ----+
"""

import logging
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone

from core.hints import send_hint
from evaluation.asking import Asker
from evaluation.configuration import revision
from evaluation.evidence import resolve
from evaluation.fitting import ENOUGH_ANSWERABLE, ENOUGH_UNANSWERABLE, Example, is_enough, refit
from evaluation.metrics import EVIDENCE_WITHIN
from evaluation.models import Question, QuestionSet
from evaluation.scoring import FINAL, rank_in
from evaluation.sets import content_hash
from knowledge import index_store
from knowledge.models import Calibration
from knowledge.reader import fingerprint
from knowledge.retrieval.answerability import Answerability, as_dict, shipped
from knowledge.search import fit_in_use

logger = logging.getLogger(__name__)

LEASE = timedelta(minutes=5)
MAX_ATTEMPTS = 3
NO_INDEX = "There is no index to ask. Add documents first."
BROKE_OFF = "The fit broke off three times. The log says why."
OUTDATED = (
    "It was made with another embedding model, reader or version of Footnote, so the shipped "
    "calibration decides. Fit again."
)
_MOST = 2000  # questions; more say nothing new about half a dozen weights
_PART = 20  # questions between two looks at the lease
_State = Calibration.State


class NotFittable(Exception):
    """The questions do not suffice; the message says what is missing."""


class _Lost(Exception):
    """Another worker has the fit now."""


@dataclass(frozen=True)
class Supply:
    """How many golden questions there are, and how many are missing for a fit."""

    answerable: int
    unanswerable: int

    @property
    def missing_answerable(self) -> int:
        return max(0, ENOUGH_ANSWERABLE - self.answerable)

    @property
    def missing_unanswerable(self) -> int:
        return max(0, ENOUGH_UNANSWERABLE - self.unanswerable)

    @property
    def is_enough(self) -> bool:
        return not self.missing_answerable and not self.missing_unanswerable

    def sentence(self) -> str:
        """What there is, and what is missing."""
        there = (
            f"There are {self.answerable} accepted golden questions with an answer and "
            f"{self.unanswerable} without one."
        )
        if self.is_enough:
            return there
        needed = []
        if self.missing_answerable:
            needed.append(f"{self.missing_answerable} more with an answer")
        if self.missing_unanswerable:
            needed.append(f"{self.missing_unanswerable} more that nothing answers")
        return f"{there} A fit needs {' and '.join(needed)}."


def golden() -> Any:
    """The questions that a fit goes by."""
    return Question.objects.filter(
        question_set__kind=QuestionSet.Kind.GOLDEN, status=Question.Status.ACCEPTED
    )


def supply() -> Supply:
    """How many there are now."""
    nothing = Q(expected_outcome=Question.Outcome.NOT_FOUND)
    return Supply(golden().exclude(nothing).count(), golden().filter(nothing).count())


def queue(requested_by: Any = None) -> Calibration:
    """A fit as a row; a worker is told after the commit.

    Raises:
        NotFittable: there are too few golden questions.
    """
    row = create(requested_by)
    transaction.on_commit(
        lambda: send_hint("evaluation.tasks.fit_not_found", str(row.pk)), robust=True
    )
    return row


def create(requested_by: Any = None) -> Calibration:
    """The row alone, for whoever calls ``execute``; raises NotFittable."""
    there = supply()
    if not there.is_enough:
        raise NotFittable(there.sentence())
    return Calibration.objects.create(requested_by=requested_by)


def undo(user: Any = None) -> int:
    """Let the shipped calibration decide again; how many fits were put aside."""
    return Calibration.objects.in_use().update(undone_at=timezone.now(), undone_by=user)


def outdated(row: Calibration) -> str:
    """Why the last fit does not decide though nobody undid it; empty where it does."""
    snapshot = index_store.current()
    is_last = snapshot is not None and snapshot.calibration == row.pk
    return OUTDATED if snapshot and is_last and fit_in_use(snapshot) is None else ""


def due_ids(limit: int) -> list[uuid.UUID]:
    """Fits that wait for a worker, or whose worker died."""
    due = Calibration.objects.filter(_is_claimable(), attempts__lt=MAX_ATTEMPTS)
    return list(due.order_by("due_at").values_list("pk", flat=True)[:limit])


def give_up_exhausted() -> int:
    """Fail the fits whose last allowed attempt ended without a word."""
    return Calibration.objects.filter(_is_claimable(), attempts__gte=MAX_ATTEMPTS).update(
        state=_State.FAILED, error=BROKE_OFF, lease_token=None, finished_at=timezone.now()
    )


def execute(key: uuid.UUID, on_progress: Callable[[int, int], None] | None = None) -> bool:
    """Do a fit that is due; False where it is not, or where it failed. Safe to call twice."""
    token = uuid.uuid4()
    if not _claim(key, token):
        return False
    try:
        values, figures = _fitted(key, token, on_progress or _silent)
    except _Lost:
        logger.info("fit %s was taken over by another worker", key)
        return False
    except NotFittable as error:
        _close(key, token, state=_State.FAILED, error=str(error)[:500])
        return False
    except Exception:  # the task's edge: the row waits for another attempt
        logger.exception("fit %s broke off", key)
        _close(key, token, state=_State.QUEUED, due_at=timezone.now() + LEASE)
        return False
    return _close(key, token, state=_State.DONE, values=values, figures=figures)


def _fitted(
    key: uuid.UUID, token: uuid.UUID, tell: Callable[[int, int], None]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The calibration and its figures."""
    snapshot = index_store.current()
    if snapshot is None:
        raise NotFittable(NO_INDEX)
    questions = list(golden().prefetch_related("evidence").order_by("pk")[:_MOST])
    asker, versions = Asker(snapshot), snapshot.index.versions()
    examples: list[Example] = []
    for start in range(0, len(questions), _PART):
        examples += _asked(asker, questions[start : start + _PART], versions)
        done = min(start + _PART, len(questions))
        _extend(key, token, asked=done, total=len(questions))
        tell(done, len(questions))
    if not is_enough(examples):
        answerable = sum(one.is_answerable for one in examples)
        raise NotFittable(Supply(answerable, len(examples) - answerable).sentence())
    made = refit(examples, shipped(), settings.REFUSED_ANSWERABLE)
    provenance = {
        "fitted_by": "golden questions",
        "date": timezone.now().isoformat(timespec="seconds"),
        "sets": sorted({question.question_set.slug for question in questions}),
        "questions": len(examples),
        "answerable": sum(one.is_answerable for one in examples),
        "questions_hash": content_hash(questions),
        "embedding_model": snapshot.model,
        "reader": fingerprint() if any("page" in one.signals for one in examples) else "",
        "build": snapshot.build_id,
        "revision": revision(),
        "variants": list(made.fitted),
        "refused_answerable": settings.REFUSED_ANSWERABLE,
    }
    return as_dict(Answerability(made.variants, provenance)), made.figures


def _asked(asker: Asker, questions: Sequence[Question], versions: Any) -> list[Example]:
    """The questions that can be fitted on: not those without evidence in the documents.

    What a search decides by a code that no document has is no matter of weights.
    """
    resolved = resolve(questions, versions)
    found = []
    for question in questions:
        is_answerable = question.expected_outcome == Question.Outcome.ANSWERED
        gold = resolved[question.pk].gold
        if is_answerable and not gold.grades:
            continue
        asked = asker.ask(question.text, tuple(question.as_groups))
        if not asked.signals:
            continue
        rank = rank_in(asked.stages[FINAL], gold) if is_answerable else None
        has_evidence = rank is not None and rank <= EVIDENCE_WITHIN
        found.append(Example(asked.signals, is_answerable, has_evidence))
    return found


def _is_claimable() -> Q:
    now = timezone.now()
    waits = Q(state=_State.QUEUED, due_at__lte=now)
    return waits | Q(state=_State.RUNNING, lease_until__lt=now)


def _claim(key: uuid.UUID, token: uuid.UUID) -> bool:
    due = Calibration.objects.filter(_is_claimable(), pk=key, attempts__lt=MAX_ATTEMPTS)
    return bool(
        due.update(
            state=_State.RUNNING,
            attempts=F("attempts") + 1,
            error="",
            lease_token=token,
            lease_until=timezone.now() + LEASE,
        )
    )


def _extend(key: uuid.UUID, token: uuid.UUID, **values: Any) -> None:
    held = Calibration.objects.filter(pk=key, state=_State.RUNNING, lease_token=token)
    if not held.update(lease_until=timezone.now() + LEASE, **values):
        raise _Lost


def _close(key: uuid.UUID, token: uuid.UUID, **values: Any) -> bool:
    """Write the end of an attempt, unless the fit is another's by now."""
    if values["state"] != _State.QUEUED:
        values["finished_at"] = timezone.now()
    held = Calibration.objects.filter(pk=key, state=_State.RUNNING, lease_token=token)
    return bool(held.update(lease_token=None, lease_until=None, **values))


def _silent(asked: int, total: int) -> None:
    """Nobody watches."""
