"""A run: a set asked of one build, question by question, each result kept as soon as it is there.

    queued --claim--> running --+--> done
       ^                        +--> failed (with a sentence)
       +---- lease ran out ----+

A worker that dies leaves its results; who takes the run up next asks only what is missing.
"""

import logging
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import Error, transaction
from django.db.models import F, Q
from django.utils import timezone

from core.hints import send_hint
from evaluation import losses, sets
from evaluation.asking import Asker
from evaluation.configuration import configuration_of, hash_of, revision
from evaluation.evidence import Problem, resolve
from evaluation.intervals import NotANumber
from evaluation.models import Question, QuestionSet, Result, Run, RunState
from evaluation.results import ask_question, lines_of, sample
from evaluation.summary import differences, report
from evaluation.verdicts import judge_differences
from knowledge import index_store
from knowledge.index_store import Snapshot
from knowledge.models import IndexBuild
from knowledge.retrieval.types import IndexUnusable

logger = logging.getLogger(__name__)

LEASE = timedelta(minutes=2)
MAX_ATTEMPTS = 3
NO_BUILD = "There is no index to ask. Add documents first."
GONE_BUILD = "The build cannot be loaded any more."
NO_QUESTIONS = "The set has no accepted questions."
BROKE_OFF = "The run broke off three times. The log says why."
_BATCH = 20  # results in one transaction: a second of work to lose


class Lost(Exception):
    """Another worker has the run now."""


@dataclass(frozen=True)
class Wanted:
    """What a run is to be."""

    question_set: QuestionSet
    origin: str = Run.Origin.ADMIN
    build: IndexBuild | None = None  # None: the active one when it begins
    baseline: Run | None = None
    limit: int | None = None
    requested_by: Any = None


def create(wanted: Wanted) -> Run:
    """A run as a row that waits for whoever calls `execute`."""
    return Run.objects.create(
        question_set=wanted.question_set,
        origin=wanted.origin,
        build=wanted.build,
        baseline=wanted.baseline,
        limit=wanted.limit,
        requested_by=wanted.requested_by,
    )


def queue(wanted: Wanted) -> Run:
    """A run as a row; a worker is told after the commit."""
    with transaction.atomic():
        run = create(wanted)
        transaction.on_commit(lambda: send_hint("evaluation.tasks.run_set", run.pk), robust=True)
    return run


def due_run_ids(limit: int) -> list[int]:
    """Runs that wait for a worker, or whose worker died."""
    due = Run.objects.filter(_is_claimable(), attempts__lt=MAX_ATTEMPTS)
    return list(due.order_by("due_at", "pk").values_list("pk", flat=True)[:limit])


def give_up_exhausted() -> int:
    """Fail the runs whose last allowed attempt ended without a word."""
    return Run.objects.filter(_is_claimable(), attempts__gte=MAX_ATTEMPTS).update(
        state=RunState.FAILED, error=BROKE_OFF, lease_token=None, finished_at=timezone.now()
    )


def execute(run_id: int, on_progress: Callable[[int, int], None] | None = None) -> bool:
    """Do a run that is due; False where it is not, or where another worker has it.

    Safe to call twice and at the same time. What is wrong with the set or the index becomes the
    run's error.
    """
    token = uuid.uuid4()
    if not _claim(run_id, token):
        return False
    try:
        _Execution(run_id, token, on_progress or _silent).go()
    except Lost:
        logger.info("run %s was taken over by another worker", run_id)
    except (NotRunnable, NotANumber) as error:
        _close(run_id, token, state=RunState.FAILED, error=str(error)[:500])
    except Exception:  # the task's edge: the row waits for another attempt
        logger.exception("run %s broke off", run_id)
        _close(run_id, token, state=RunState.QUEUED, due_at=timezone.now() + LEASE)
    else:
        return True
    return False


class NotRunnable(Exception):
    """There is nothing to ask, or nothing to ask it of; the message says which."""


class _Execution:
    """One attempt at a run, under its lease."""

    def __init__(self, run_id: int, token: uuid.UUID, tell: Callable[[int, int], None]) -> None:
        self._run = Run.objects.select_related("question_set", "build", "baseline").get(pk=run_id)
        self._token = token
        self._tell = tell
        self._problems: dict[int, tuple[Problem, ...]] = {}  # evidence that is not there

    def go(self) -> None:
        run = self._run
        if run.question_set is None:
            raise NotRunnable(NO_QUESTIONS)
        snapshot = self._snapshot()
        every = list(sets.accepted(run.question_set))
        questions = sample(every, run.limit, run.seed)
        if not questions:
            raise NotRunnable(NO_QUESTIONS)
        configuration = configuration_of(snapshot)
        self._write(
            set_hash=sets.content_hash(every),
            build=snapshot.build_id,
            build_number=snapshot.build_id,
            configuration=configuration,
            configuration_hash=hash_of(configuration),
            revision=revision(),
            total=len(questions),
        )
        self._ask(snapshot, questions)
        self._finish()

    def _snapshot(self) -> Snapshot:
        """The build that the run began with, or is to be about."""
        if self._run.build is None:
            snapshot = index_store.current()
            if snapshot is None:
                raise NotRunnable(NO_BUILD)
            return snapshot
        try:
            return index_store.open_snapshot(self._run.build)
        except (IndexUnusable, OSError) as error:
            raise NotRunnable(GONE_BUILD) from error

    def _ask(self, snapshot: Snapshot, questions: Sequence[Question]) -> None:
        done = set(self._run.results.values_list("question_id", flat=True))
        asker, versions = Asker(snapshot), snapshot.index.versions()
        asked = len(done)
        for part in _parts(questions):
            resolved = resolve(part, versions)
            self._problems.update(losses.problems_in(resolved))
            missing = [question for question in part if question.pk not in done]
            results = [ask_question(asker, question, resolved[question.pk]) for question in missing]
            asked += len(missing)
            with transaction.atomic():
                self._write(asked=asked)
                for result in results:
                    result.run = self._run
                Result.objects.bulk_create(results)
            self._tell(asked, len(questions))

    def _finish(self) -> None:
        lines = lines_of(self._run)
        metrics = report(lines, self._run.seed)
        values: dict[str, Any] = {"metrics": metrics}
        missed: frozenset[int] = frozenset()
        if self._run.baseline is not None:
            before = lines_of(self._run.baseline)
            now = losses.as_misses(lines, before, self._problems)
            missed = now.missed
            found = differences(now.lines, before, seed=self._run.seed)
            metrics["differences"] = {name: one.as_dict() for name, one in found.items()}
            leaks = metrics["counts"].get(Result.Fault.LEAK, 0)
            verdict = judge_differences(found, leaks, settings.GATE_MARGIN_PERCENT / 100)
            said = f"{verdict.reason} {losses.sentence(self._problems, missed)}".strip()
            values.update(verdict=verdict.verdict, reason=said[:500])
        metrics["lost"] = losses.as_json(self._problems, missed)
        if not _close(self._run.pk, self._token, state=RunState.DONE, **values):
            raise Lost

    def _write(self, **values: Any) -> None:
        if not _ours(self._run.pk, self._token).update(
            lease_until=timezone.now() + LEASE, updated_at=timezone.now(), **values
        ):
            raise Lost


def _is_claimable() -> Q:
    now = timezone.now()
    waits = Q(state=RunState.QUEUED, due_at__lte=now)
    return waits | Q(state=RunState.RUNNING, lease_until__lt=now)


def _claim(run_id: int, token: uuid.UUID) -> bool:
    claimed = Run.objects.filter(_is_claimable(), pk=run_id, attempts__lt=MAX_ATTEMPTS).update(
        state=RunState.RUNNING,
        attempts=F("attempts") + 1,
        error="",
        started_at=timezone.now(),
        lease_token=token,
        lease_until=timezone.now() + LEASE,
    )
    return bool(claimed)


def _ours(run_id: int, token: uuid.UUID) -> Any:
    return Run.objects.filter(pk=run_id, state=RunState.RUNNING, lease_token=token)


def _close(run_id: int, token: uuid.UUID, **values: Any) -> bool:
    """Write the end of an attempt, unless the run is another's by now."""
    if values["state"] != RunState.QUEUED:
        values["finished_at"] = timezone.now()
    try:
        return bool(
            _ours(run_id, token).update(
                lease_token=None, lease_until=None, updated_at=timezone.now(), **values
            )
        )
    except Error:  # the lease runs out and the sweep finds the run
        logger.exception("the end of run %s could not be written", run_id)
        return False


def _parts(questions: Sequence[Question]) -> Iterator[Sequence[Question]]:
    return (questions[at : at + _BATCH] for at in range(0, len(questions), _BATCH))


def _silent(asked: int, total: int) -> None:
    """Nobody watches."""
