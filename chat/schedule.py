"""What beat's tick does for conversations."""

from datetime import datetime, time, timedelta
from functools import partial

from celery import shared_task
from django.conf import settings
from django.db.models import QuerySet
from django.utils import timezone

from chat import journal, spending
from chat.models import ChatSession
from chat.services import UNDO_MINUTES
from core.periods import run_daily

BATCH = 500  # conversations a transaction
NIGHTLY = time(2, 0)  # in TIME_ZONE


@shared_task(name="chat.schedule.sweep")
def sweep() -> dict[str, int]:
    """End what died, remove what was deleted, and once a night what is too old."""
    now = timezone.now()
    report = {
        "interrupted": journal.interrupt_expired(),
        "released": spending.release_lost(),
        "removed": remove_deleted(now),
    }
    nightly = run_daily("chat.retention", NIGHTLY, partial(expire, now), now=now)
    run_daily("chat.calls", NIGHTLY, partial(forget_calls, now), now=now)
    return {**report, **(nightly or {})}


def forget_calls(now: datetime) -> dict[str, int]:
    """What models cost more than 400 days ago."""
    return {"calls": spending.forget_old(now)}


def remove_deleted(now: datetime) -> int:
    """Conversations that were deleted more than ten minutes ago, for good."""
    before = now - timedelta(minutes=UNDO_MINUTES)
    return _delete(ChatSession.objects.filter(is_active=False, deleted_at__lt=before))


def expire(now: datetime) -> dict[str, int]:
    """Conversations whose last activity lies more than ``RETENTION_DAYS`` back."""
    before = now - timedelta(days=settings.RETENTION_DAYS)
    return {"expired": _delete(ChatSession.objects.filter(last_activity__lt=before))}


def _delete(sessions: "QuerySet[ChatSession]") -> int:
    """Delete in batches, each a transaction of its own: a kill in between loses nothing."""
    total = 0
    while ids := list(sessions.order_by("pk").values_list("pk", flat=True)[:BATCH]):
        _, by_kind = sessions.filter(pk__in=ids).delete()
        deleted = by_kind.get("chat.ChatSession", 0)
        total += deleted
        if not deleted:  # somebody else has them: do not go round for ever
            break
    return total
