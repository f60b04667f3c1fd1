"""The last steps of an erasure: until no place on this machine's disks holds the words.

A receipt is complete when no index build has the document, also not in a part that it hides, when
nothing that a killed process left is older than the erasure, and when the database's own log has
been written back.
"""

import logging
from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from knowledge import engines, storage
from knowledge.indexing import scratch
from knowledge.indexing.writing import TEMPORARY
from knowledge.ingestion.sandbox import FOLDER_PREFIX
from knowledge.models import IndexBuild, Receipt
from knowledge.retrieval.types import IndexUnusable
from knowledge.services import deleting, receipts

logger = logging.getLogger(__name__)

_AT_A_TIME = 50  # receipts a sweep
_SKEW = timedelta(seconds=5)  # between the clocks of two machines
_BUSY_MS = 2000  # how long readers of the database are waited for; then the next sweep tries
Build = IndexBuild.State


def settle_receipts() -> int:
    """Complete the receipts that can be; returns how many. Safe twice and at the same time."""
    completed = 0
    for receipt in Receipt.objects.filter(completed_at=None).order_by("requested_at")[:_AT_A_TIME]:
        if deleting.is_unfinished(receipt):
            continue
        receipts.remove_files(receipt.pk)
        receipt.refresh_from_db()
        completed += _settle(receipt)
    return completed


def unfinished_erasures(limit: int) -> list[str]:
    """Receipts whose documents are still being erased, by whoever may have died."""
    waiting = Receipt.objects.filter(completed_at=None).order_by("requested_at")
    found = [str(receipt.pk) for receipt in waiting if deleting.is_unfinished(receipt)]
    return found[:limit]


def _settle(receipt: Receipt) -> bool:
    held_by = [*_builds_that_hold(receipt), *_leftovers(receipts.erased_at(receipt))]
    is_complete = not held_by and not receipts.has_files_left(receipt) and _is_written_back()
    with transaction.atomic():
        row = Receipt.objects.select_for_update().get(pk=receipt.pk)
        if row.completed_at is not None:
            return False
        gone = sum(isinstance(one, int) and one not in held_by for one in row.waits_for)
        receipts.note(row, {receipts.INDEX: gone})
        row.waits_for = held_by
        row.completed_at = timezone.now() if is_complete else None
        row.save(update_fields=["waits_for", "completed_at"])
    return is_complete


def _builds_that_hold(receipt: Receipt) -> list[int | str]:
    """Builds whose files may hold one of its documents; those kept for a rollback go now."""
    ids, since = frozenset(receipt.document_ids), receipts.erased_at(receipt)
    return [
        build.pk
        for build in receipts.builds_on_disk().select_related("base")
        if _may_hold(build, ids, since) and not _dropped(build)
    ]


def _may_hold(build: IndexBuild, ids: frozenset[int], since: datetime) -> bool:
    if build.state == Build.BUILDING:  # its rows may have been read before
        return build.created_at <= since + _SKEW
    if build.base is None and build.recent:  # it stands on files that no row describes any more
        return True
    parts = [build] if build.base is None else [build, build.base]
    return any(_has(part, ids, since) for part in parts)


def _has(build: IndexBuild, ids: frozenset[int], since: datetime) -> bool:
    """Whether a build was made of one of the documents; one that cannot be read may have been."""
    if build.covers_until is not None and build.covers_until > since + _SKEW:
        return False
    try:
        return not ids.isdisjoint(engines.open_build(build).versions())
    except (IndexUnusable, OSError):
        return True


def _dropped(build: IndexBuild) -> bool:
    """Remove a build that only waits for a rollback; the active one gives way to the next."""
    waiting = IndexBuild.objects.filter(pk=build.pk, state__in=(Build.KEPT, Build.REFUSED))
    if not waiting.update(state=Build.REMOVED):
        return False
    logger.info("index build %s is removed: it holds an erased document", build.pk)
    engines.remove_build(build)
    return True


def _leftovers(since: datetime) -> list[int | str]:
    """What killed processes left from before the erasure; the sweep removes it within a day.

    A folder of a claim that stands is of a document that is still there.
    """
    reading = timedelta(seconds=settings.EXTRACTION_SECONDS + 60)  # a child may still have written
    before = (since + reading).timestamp()
    temporary = Path(settings.FILE_UPLOAD_TEMP_DIR)
    read = list(_older(temporary, (FOLDER_PREFIX, storage.COPY_PREFIX), before))
    claims = scratch.of_claims(read)
    return [
        *_older(Path(settings.INDEX_DIR), (TEMPORARY, engines.QUARANTINE), before),
        *(name for name in read if not claims.get(name)),
    ]


def _older(root: Path, prefixes: tuple[str, ...], before: float) -> Iterable[str]:
    for path in root.iterdir() if root.is_dir() else ():
        if not path.name.startswith(prefixes):
            continue
        try:
            if path.stat(follow_symlinks=False).st_mtime < before:
                yield path.name
        except FileNotFoundError:  # gone meanwhile, as it should
            continue


def _is_written_back() -> bool:
    """Whether SQLite's log of changes, which has the pages as they were, could be emptied."""
    if connection.vendor != "sqlite":
        return True
    if connection.in_atomic_block:
        return False
    timeout = int(settings.DATABASES["default"]["OPTIONS"]["timeout"] * 1000)
    with connection.cursor() as cursor:
        cursor.execute(f"PRAGMA busy_timeout = {_BUSY_MS}")
        try:
            busy, _, _ = cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        finally:
            cursor.execute(f"PRAGMA busy_timeout = {timeout}")
    return not busy
