"""What beat's tick does for knowledge: whatever a lost message or a dead worker left undone.

Tasks that order work stand here too, above the services that they call.
"""

import logging
from collections.abc import Sequence
from datetime import time

from celery import shared_task

from core.errors import Conflict
from core.hints import send_hint
from core.periods import run_daily
from knowledge import indexing
from knowledge.indexing import cleaning, drift, retention
from knowledge.models import Receipt, WatchedFolder
from knowledge.services import archives, deleting, settling, syncing

logger = logging.getLogger(__name__)

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
        **_hint_at_orders(),
        "dropped": retention.drop_old_builds(),
        "folders": cleaning.remove_leftover_folders(),
        "files": cleaning.remove_orphan_files(),
        "temporary": cleaning.remove_temporary_files(),
        "receipts": settling.settle_receipts(),
        "drift": int(run_daily(drift.NIGHTLY, time(4, 0), drift.check_nightly) is not None),
    }


@shared_task(name="knowledge.schedule.unpack")
def unpack(version_id: int) -> bool:
    """Take an archive apart, from where it was left."""
    return archives.unpack(version_id) is not None


@shared_task(name="knowledge.schedule.erase")
def erase(receipt_id: str) -> int:
    """Erase what is left of a receipt's documents."""
    receipt = Receipt.objects.filter(pk=receipt_id, completed_at=None).first()
    return deleting.erase_rest(receipt) if receipt and deleting.is_unfinished(receipt) else 0


@shared_task(name="knowledge.schedule.sync")
def sync(folder_id: int) -> bool:
    """Look at a watched folder, if nobody does."""
    folder = WatchedFolder.objects.filter(pk=folder_id).first()
    if folder is None:
        return False
    try:
        report = syncing.sync_folder(folder)
    except Conflict:
        logger.info("watched folder %s is being looked at by another process", folder_id)
        return False
    if report.error:
        logger.warning("watched folder %s: %s", folder_id, report.error)
    return True


def _hint_at_orders() -> dict[str, int]:
    """Archives to take apart, folders to look at, and erasures that a kill broke off."""
    orders: dict[str, Sequence[int | str]] = {
        "unpack": archives.due_archive_ids(_HINTS),
        "sync": syncing.due_folder_ids()[:_HINTS],
        "erase": settling.unfinished_erasures(_HINTS),
    }
    for name, ids in orders.items():
        for number in ids:
            send_hint(f"knowledge.schedule.{name}", number)
    return {name: len(ids) for name, ids in orders.items()}


def _clean_daily() -> dict[str, int]:
    return {
        "vectors": cleaning.remove_all_orphan_vectors(),
        "notes": cleaning.forget_old_builds(),
        **retention.remove_unused_rows(),
    }
