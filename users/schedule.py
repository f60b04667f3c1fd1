"""What beat's tick does for this app: exports every minute, the clean-up once a night."""

from datetime import time
from functools import partial

from celery import shared_task
from django.db import transaction
from django.utils import timezone

from core.hints import send_hint
from core.periods import run_daily
from users import cleaning

CLEANED_AT = time(2, 0)  # local time


@shared_task(name="users.schedule.sweep")
def sweep() -> dict[str, int]:
    """Hint again at exports that nobody works on; clean up if the night's run is due."""
    now = timezone.now()
    failed = cleaning.give_up_exports(now)
    waiting = cleaning.waiting_exports(now)
    for export_id in waiting:
        transaction.on_commit(partial(send_hint, "users.tasks.make_export", export_id))
    cleaned = run_daily("users.clean", CLEANED_AT, cleaning.clean, now=now)
    return {"exports_failed": failed, "exports_requeued": len(waiting), **(cleaned or {})}
