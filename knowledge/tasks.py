"""Tasks: a message is a hint to look at a row now. Lost or doubled, it changes nothing."""

from celery import shared_task

from knowledge import indexing


@shared_task(name="knowledge.tasks.process_version")
def process_version(version_id: int) -> bool:
    """Extract, split and embed a version, if it is due."""
    return indexing.process_version(version_id)


@shared_task(name="knowledge.tasks.build_index")
def build_index() -> bool:
    """Build the index, if the rows know more than it does."""
    return indexing.build_index()
