"""Tasks: a message is a hint to look at a row now. Lost or doubled, it changes nothing."""

from celery import shared_task

from knowledge import indexing

# Splitting and embedding all texts again takes hours; others in the queue have turns in between.
_TURN_SECONDS = 300.0
# A place in the worker goes round this often while a long document is embedded: an upload of one
# page waits so long for its own turn at most, and to take the work up again costs a second.
_DOCUMENT_SECONDS = 20.0


@shared_task(name="knowledge.tasks.process_version")
def process_version(version_id: int) -> bool:
    """Extract, split and embed a version, if it is due; a long one in turns."""
    return indexing.process_version(version_id, _DOCUMENT_SECONDS)


@shared_task(name="knowledge.tasks.build_index")
def build_index() -> bool:
    """Build the index, if the rows or the settings know more than it does."""
    return indexing.build_index(_TURN_SECONDS)
