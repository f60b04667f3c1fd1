"""Tasks of the shared parts."""

from celery import shared_task

from core import outbox


@shared_task(name="core.tasks.send_mail")
def send_mail(mail_id: int) -> bool:
    """Send one mail of the outbox, if it is still due."""
    return outbox.send_due(mail_id)
