"""The gate that a new release of the index passes before it answers.

The team's golden questions are asked of the candidate and of the release that answers now, and
the share of them whose evidence is among the first five passages must not fall beyond a margin.
What somebody may not see must not come back, whatever the figures are.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from time import monotonic
from typing import Any

from django.conf import settings
from django.utils import timezone

from evaluation import losses
from evaluation.asking import Asker, Readers
from evaluation.configuration import configuration_of, hash_of, revision
from evaluation.evidence import Problem, resolve
from evaluation.models import Question, QuestionSet, Result, Run, RunState
from evaluation.results import ask_question, line_of, lines_of, sample
from evaluation.sets import content_hash
from evaluation.summary import EVIDENCE, PRIMARY, Line, differences, report
from evaluation.verdicts import Verdict, allowed, judge_differences, sentence
from knowledge import index_store
from knowledge.index_store import Snapshot
from knowledge.models import IndexBuild
from knowledge.retrieval.types import IndexUnusable

logger = logging.getLogger(__name__)

FEWEST = 5  # questions: with fewer the gate says nothing
MOST = 500
SECONDS = 60.0  # for both releases; a release must not wait longer for its gate
_PART = 20
_SEED = 7
NO_QUESTIONS = "There are no golden questions yet."
NO_ACTIVE = "No release answers yet that this one could be compared with."
TOO_FEW = "Only {n} golden questions can be compared; {needed} are needed."
BY_WORDS = "The release of now could only be asked by words."


@dataclass
class _Side:
    """One release and what it has brought so far."""

    asker: Asker
    results: list[Result] = field(default_factory=list)
    problems: dict[int, tuple[Problem, ...]] = field(default_factory=dict)  # by question

    def __post_init__(self) -> None:
        self._versions = self.asker.snapshot.index.versions()

    def ask(self, part: Sequence[Question]) -> None:
        """Ask some questions, whose evidence is looked up in this release's own versions."""
        resolved = resolve(part, self._versions)
        self.problems.update(losses.problems_in(resolved))
        for question in part:
            self.results.append(ask_question(self.asker, question, resolved[question.pk]))

    def lines(self) -> list[Line]:
        """What it brought, but for questions that a busy machine left without their vector."""
        found = [line_of(result, result.question) for result in self.results]
        return [line for line in found if self.asker.is_deaf or not line.is_degraded]


def judge(build: IndexBuild) -> dict[str, Any]:
    """What the team's golden questions say of a complete build that does not answer yet.

    A question whose evidence neither release has, or that neither can be asked, is left out. One
    that this release alone cannot be asked, or whose evidence a new version lost, is a miss.

    Returns:
        ``verdict`` (passed, failed or skipped), ``reason`` (a sentence), ``run`` (the row that
        keeps every question's result), ``asked``, ``of``, ``seconds``, ``evidence``: the
        difference with its 95 % interval and the least that so many questions can show; and
        ``lost``: evidence that this release does not have, as `losses.as_json` keeps it.

    Raises:
        IndexUnusable: the candidate itself cannot be opened.
    """
    began = monotonic()
    golden = Question.objects.filter(
        question_set__kind=QuestionSet.Kind.GOLDEN, status=Question.Status.ACCEPTED
    )
    every = list(golden.prefetch_related("evidence").order_by("pk"))
    if not every:
        return {"verdict": Run.Verdict.SKIPPED.value, "reason": NO_QUESTIONS}
    questions = sample(every, MOST, _SEED)
    readers = Readers()
    candidate = _Side(Asker(index_store.open_snapshot(build), readers))
    active = _active_side(build, readers)
    _ask_both(questions, candidate, active, began + SECONDS)
    verdict, figures, missed = _compare(candidate, active)
    reason = f"{verdict.reason} {losses.sentence(candidate.problems, missed)}".strip()
    lost = losses.as_json(candidate.problems, missed)
    run = _keep(build, candidate, Verdict(verdict.verdict, reason), figures, content_hash(every))
    run.metrics["lost"] = lost
    run.save(update_fields=["metrics"])
    return {
        "verdict": str(verdict.verdict),
        "reason": reason,
        "lost": lost,
        "run": run.pk,
        "asked": len(candidate.results),
        "of": len(every),
        "seconds": round(monotonic() - began, 1),
        **figures,
    }


def _active_side(build: IndexBuild, readers: Readers) -> _Side | None:
    """The release that answers now; None where there is none, or this is it."""
    try:
        snapshot: Snapshot | None = index_store.current()
    except (IndexUnusable, OSError):
        logger.exception("the release of now cannot be opened")
        return None
    if snapshot is None or snapshot.build_id == build.pk:
        return None
    return _Side(Asker(snapshot, readers))


def _ask_both(
    questions: Sequence[Question], candidate: _Side, active: _Side | None, until: float
) -> None:
    """Ask in parts, each of both, so that whatever time there is makes pairs."""
    for start in range(0, len(questions), _PART):
        if monotonic() > until:
            logger.warning("the gate asked %s of %s questions in its time", start, len(questions))
            return
        part = questions[start : start + _PART]
        candidate.ask(part)
        if active is not None:
            active.ask(part)


def _compare(
    candidate: _Side, active: _Side | None
) -> tuple[Verdict, dict[str, Any], frozenset[int]]:
    """The verdict, the differences, and the questions whose lost evidence counts as a miss."""
    leaks = sum(result.fault == Result.Fault.LEAK for result in candidate.results)
    if active is None:
        if leaks:
            return judge_differences({}, leaks, 0), {}, frozenset()
        return Verdict(Run.Verdict.SKIPPED, NO_ACTIVE), {}, frozenset()
    before, note = _baseline(active)
    now = losses.as_misses(_with_errors_as_misses(candidate.lines()), before, candidate.problems)
    found = differences(now.lines, before, PRIMARY, _SEED)
    figures = {name.partition("@")[0]: one.as_dict() for name, one in found.items()}
    only = {name: one for name, one in found.items() if name == EVIDENCE}
    pairs = only[EVIDENCE].n if only else 0
    if not leaks and pairs < FEWEST:
        reason = TOO_FEW.format(n=pairs, needed=FEWEST)
        return Verdict(Run.Verdict.SKIPPED, reason), figures, now.missed
    verdict = _judged(only, leaks)
    said = Verdict(verdict.verdict, f"{verdict.reason} {note}".strip())
    return said, figures, now.missed


def _with_errors_as_misses(lines: Sequence[Line]) -> list[Line]:
    """A release that cannot be asked what the one of now answers has lost that answer."""
    lost = dict.fromkeys(PRIMARY, 0.0)
    return [
        replace(line, metrics=lost) if line.fault == Result.Fault.ERROR else line for line in lines
    ]


def _judged(found: dict[str, Any], leaks: int) -> Verdict:
    """By the mean alone: a sure but small drop is within what the margin allows."""
    if leaks:
        return judge_differences(found, leaks, 0)
    difference, most = found[EVIDENCE], settings.GATE_MARGIN_PERCENT / 100
    said = sentence(EVIDENCE, difference)
    if -difference.value > most + 1e-9:
        return Verdict(Run.Verdict.FAILED, f"{said}. {allowed(EVIDENCE, most)}")
    return Verdict(Run.Verdict.PASSED, f"{said}.")


def _baseline(active: _Side) -> tuple[list[Line], str]:
    """The active side's lines; where it lacks its model now, those of its last complete run.

    After a change of the embedding model the old release can be asked by words alone, which would
    make any new one look good.
    """
    if not active.asker.is_deaf:
        return active.lines(), ""
    asked = {result.question.pk for result in active.results}
    kept: dict[str, Line] = {}
    runs = Run.objects.filter(
        build_number=active.asker.snapshot.build_id, state=RunState.DONE
    ).order_by("-pk")
    for run in runs[:5]:
        for line in lines_of(run):
            if int(line.key) in asked:
                kept.setdefault(line.key, line)
    if len(kept) >= FEWEST:
        return list(kept.values()), "The release of now was compared by its earlier runs."
    return active.lines(), BY_WORDS


def _keep(
    build: IndexBuild, candidate: _Side, verdict: Verdict, figures: dict[str, Any], set_hash: str
) -> Run:
    """The run with its results, for staff to look at."""
    configuration = configuration_of(candidate.asker.snapshot)
    metrics = report(candidate.lines(), _SEED)
    metrics["differences"] = {
        name: figures[name.partition("@")[0]]
        for name in PRIMARY
        if name.partition("@")[0] in figures
    }
    now = timezone.now()
    run = Run.objects.create(
        set_hash=set_hash,
        build=build,
        build_number=build.pk,
        origin=Run.Origin.GATE,
        configuration=configuration,
        configuration_hash=hash_of(configuration),
        revision=revision(),
        seed=_SEED,
        state=RunState.DONE,
        asked=len(candidate.results),
        total=len(candidate.results),
        metrics=metrics,
        verdict=verdict.verdict,
        reason=verdict.reason[:500],
        started_at=now,
        finished_at=now,
    )
    for result in candidate.results:
        result.run = run
    Result.objects.bulk_create(candidate.results, batch_size=_PART)
    return run
