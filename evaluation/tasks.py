"""Tasks: a message is a hint to look at a row now. Lost or doubled, it changes nothing."""

from uuid import UUID

from celery import shared_task

from evaluation import calibrating, runs, watching


@shared_task(name="evaluation.tasks.run_set")
def run_set(run_id: int) -> bool:
    """Do a run, if it is due."""
    return runs.execute(run_id)


@shared_task(name="evaluation.tasks.check_evidence")
def check_evidence() -> int:
    """Look for golden evidence in the documents that changed."""
    return watching.check_changed()


@shared_task(name="evaluation.tasks.fit_not_found")
def fit_not_found(key: str) -> bool:
    """Do a fit of "not found", if it is due."""
    return calibrating.execute(UUID(key))
