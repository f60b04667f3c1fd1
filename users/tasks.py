"""Tasks of this app: hints that carry an id; the row says what is to be done."""

from celery import shared_task

from users import exporting


@shared_task(name="users.tasks.make_export")
def make_export(export_id: int) -> bool:
    """Make one export, if it still waits."""
    return exporting.make_export(export_id)
