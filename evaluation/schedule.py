"""What beat's tick does for evaluation: runs that wait, and the golden sets once a week."""

from datetime import datetime, time, timedelta
from functools import partial

from celery import shared_task
from django.utils import timezone

from core.hints import send_hint
from core.periods import run_daily
from evaluation import calibrating, runs, watching
from evaluation.models import Question, QuestionSet, Run, RunState
from knowledge.models import IndexBuild

NIGHTLY = time(4, 15)  # in TIME_ZONE
WEEK = timedelta(days=6, hours=12)  # asked of once a night: no run drifts from night to day
KEPT = timedelta(days=365)
_HINTS = 5  # at a time


@shared_task(name="evaluation.schedule.sweep")
def sweep() -> dict[str, int]:
    """Hint at runs that wait again, and once a night ask what is due; safe twice and killed."""
    failed = runs.give_up_exhausted() + calibrating.give_up_exhausted()
    due = runs.due_run_ids(_HINTS)
    for run_id in due:
        send_hint("evaluation.tasks.run_set", run_id)
    for key in calibrating.due_ids(_HINTS):
        send_hint("evaluation.tasks.fit_not_found", str(key))
    now = timezone.now()
    nightly = run_daily("evaluation.weekly", NIGHTLY, partial(ask_weekly, now), now=now)
    changed = watching.check_changed()
    return {"failed": failed, "hinted": len(due), "changed": changed, **(nightly or {})}


def ask_weekly(now: datetime) -> dict[str, int]:
    """Queue a run for each golden set that had none for a week, and drop runs of last year."""
    queued = 0
    for question_set in QuestionSet.objects.filter(kind=QuestionSet.Kind.GOLDEN):
        if _is_due(question_set, now):
            runs.queue(runs.Wanted(question_set, Run.Origin.WEEKLY, baseline=_before(question_set)))
            queued += 1
    old = Run.objects.filter(finished_at__lt=now - KEPT)
    return {"queued": queued, "dropped": old.delete()[1].get("evaluation.Run", 0)}


def _is_due(question_set: QuestionSet, now: datetime) -> bool:
    if not question_set.questions.filter(status=Question.Status.ACCEPTED).exists():
        return False
    if not IndexBuild.objects.filter(state=IndexBuild.State.ACTIVE).exists():
        return False
    weekly = question_set.runs.filter(origin=Run.Origin.WEEKLY)
    return not weekly.filter(created_at__gt=now - WEEK).exists()


def _before(question_set: QuestionSet) -> Run | None:
    """What the next run is compared with: the last weekly one that came to its end."""
    done = question_set.runs.filter(state=RunState.DONE, limit=None)
    return done.filter(origin=Run.Origin.WEEKLY).first() or done.first()
