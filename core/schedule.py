"""What beat's tick does for the shared parts."""

from datetime import timedelta

from celery import shared_task
from django.utils import timezone

from core import health, outbox, upkeep
from core.models import PeriodicRun, RateWindow

KEEP = timedelta(days=30)


@shared_task(name="core.schedule.sweep")
def sweep() -> dict[str, int]:
    """Send what waits in the outbox, drop rows that have served, keep the machine below tidy.

    It first shows that the worker lives: a mail server that hangs must not look like a dead worker.
    """
    health.beat_heart()
    now = timezone.now()
    sent = outbox.send_all_due()
    windows, _ = RateWindow.objects.filter(ends_at__lt=now).delete()
    runs, _ = PeriodicRun.objects.filter(started_at__lt=now - 12 * KEEP).delete()
    mails = outbox.clean()
    return {"sent": sent, "windows": windows, "runs": runs, "mails": mails, **upkeep.sweep()}
