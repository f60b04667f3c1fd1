"""What beat's tick does for the shared parts."""

from datetime import timedelta

from celery import shared_task
from django.utils import timezone

from core import outbox, upkeep
from core.models import OutboundMail, PeriodicRun, RateWindow

KEEP = timedelta(days=30)


@shared_task(name="core.schedule.sweep")
def sweep() -> dict[str, int]:
    """Send what waits in the outbox, drop rows that have served, keep the machine below tidy."""
    now = timezone.now()
    sent = sum(outbox.send_due(mail_id) for mail_id in outbox.due_mail_ids())
    windows, _ = RateWindow.objects.filter(ends_at__lt=now).delete()
    runs, _ = PeriodicRun.objects.filter(started_at__lt=now - 12 * KEEP).delete()
    mails, _ = OutboundMail.objects.filter(sent_at__lt=now - KEEP).delete()
    return {"sent": sent, "windows": windows, "runs": runs, "mails": mails, **upkeep.sweep()}
