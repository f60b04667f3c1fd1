"""What beat's tick does for knowledge: whatever a lost message or a dead worker left undone."""

from datetime import time

from celery import shared_task

from core.hints import send_hint
from core.periods import run_daily
from knowledge import indexing
from knowledge.indexing import cleaning

_HINTS = 20  # at a time: who is waiting longest; the next minute has the next


@shared_task(name="knowledge.schedule.sweep")
def sweep() -> dict[str, int]:
    """Hint at due work again and clear leftovers; safe twice, at the same time, and killed."""
    failed = indexing.give_up_exhausted()
    due = indexing.due_version_ids(_HINTS)
    for version_id in due:
        send_hint("knowledge.tasks.process_version", version_id)
    is_due = indexing.is_build_due()
    if is_due:
        send_hint("knowledge.tasks.build_index")
    run_daily("knowledge.clean", time(3, 30), _clean_daily)
    return {
        "failed": failed,
        "hinted": len(due),
        "builds": int(is_due),
        "folders": cleaning.remove_leftover_folders(),
        "files": cleaning.remove_orphan_files(),
        "temporary": cleaning.remove_temporary_files(),
    }


def _clean_daily() -> dict[str, int]:
    return {
        "vectors": cleaning.remove_all_orphan_vectors(),
        "notes": cleaning.forget_old_builds(),
    }
