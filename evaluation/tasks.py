"""Tasks: a message is a hint to look at a row now. Lost or doubled, it changes nothing."""

from celery import shared_task

from evaluation import runs


@shared_task(name="evaluation.tasks.run_set")
def run_set(run_id: int) -> bool:
    """Do a run, if it is due."""
    return runs.execute(run_id)
