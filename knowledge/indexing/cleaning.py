"""What is not needed any more: folders of old builds, files without a row, vectors without a text.

Everything here may run twice, at the same time, and be killed in between.
"""

import logging
import shutil
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

from django.conf import settings
from django.db.models import Exists, OuterRef
from django.utils import timezone

from knowledge import storage
from knowledge.engines import PUBLISHED, QUARANTINE
from knowledge.indexing import scratch
from knowledge.indexing.retention import ON_DISK
from knowledge.indexing.vectors import ROWS, batched
from knowledge.indexing.writing import TEMPORARY
from knowledge.ingestion.sandbox import FOLDER_PREFIX
from knowledge.models import Chunk, DocumentVersion, Embedding, IndexBuild

logger = logging.getLogger(__name__)

Build = IndexBuild.State

_LEFTOVER_AGE = timedelta(hours=1)
_QUARANTINE_AGE = timedelta(days=1)
_NOTE_AGE = timedelta(days=30)
_READING = (FOLDER_PREFIX, storage.COPY_PREFIX)
_UPLOAD = ".upload"  # Django's name of an upload under way, before the extension


def remove_leftover_folders(now: datetime | None = None) -> int:
    """Delete temporary and unknown folders older than an hour, and old quarantined ones."""
    root = Path(settings.INDEX_DIR)
    if not root.is_dir():
        return 0
    now = now or timezone.now()
    in_use = set(IndexBuild.objects.filter(state__in=ON_DISK).values_list("folder", flat=True))
    in_use |= {
        f"{PUBLISHED}{pk}"
        for pk in IndexBuild.objects.filter(state=Build.BUILDING).values_list("pk", flat=True)
    }
    removed = 0
    for path in root.iterdir():
        if path.name not in in_use and _is_leftover(path, now):
            shutil.rmtree(path, ignore_errors=True)
            removed += 1
    return removed


def _is_leftover(path: Path, now: datetime) -> bool:
    try:
        age = now.timestamp() - path.stat().st_mtime
    except FileNotFoundError:
        return False
    if path.name.startswith(QUARANTINE):
        return age > _QUARANTINE_AGE.total_seconds()
    is_ours = path.name.startswith((TEMPORARY, PUBLISHED)) and path.is_dir()
    return is_ours and age > _LEFTOVER_AGE.total_seconds()


def remove_temporary_files(now: datetime | None = None) -> int:
    """Delete what killed processes left of uploads and of reading.

    The folder of a claim goes as soon as the claim is another's or nobody's, and not before; what
    does not say whose it is goes once it is an hour old.
    """
    root = Path(settings.FILE_UPLOAD_TEMP_DIR)
    before = ((now or timezone.now()) - _LEFTOVER_AGE).timestamp()
    found = list(root.iterdir()) if root.is_dir() else []
    claims = scratch.of_claims(path.name for path in found)
    removed = 0
    for path in found:
        try:
            stands = claims.get(path.name)
            if stands or (stands is None and not _is_old(path, before)):
                continue
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink()
        except FileNotFoundError:  # its owner, or another sweep, was quicker
            continue
        removed += 1
    return removed


def _is_old(path: Path, before: float) -> bool:
    is_ours = path.name.startswith(_READING) or _UPLOAD in path.name
    return is_ours and path.stat(follow_symlinks=False).st_mtime <= before


def remove_orphan_files() -> int:
    """Delete uploads older than an hour that no version points at."""
    removed = 0
    for part in batched(storage.old_names(), ROWS):
        known = set(DocumentVersion.objects.filter(file__in=part).values_list("file", flat=True))
        orphans = [name for name in part if name not in known]
        storage.remove(orphans)
        removed += len(orphans)
    return removed


def remove_orphan_vectors(hashes: Sequence[str]) -> int:
    """Delete the vectors of these contents that no chunk has any more."""
    in_use = Chunk.objects.filter(content_hash=OuterRef("content_hash"))
    removed = 0
    for part in batched(list(dict.fromkeys(hashes)), ROWS):
        orphans = Embedding.objects.filter(~Exists(in_use), content_hash__in=part)
        removed += orphans.delete()[0]
    return removed


def remove_all_orphan_vectors() -> int:
    """The same for every vector; for once a day."""
    in_use = Chunk.objects.filter(content_hash=OuterRef("content_hash"))
    hashes = Embedding.objects.filter(~Exists(in_use)).values_list("content_hash", flat=True)
    return remove_orphan_vectors(list(hashes))


def forget_old_builds(now: datetime | None = None) -> int:
    """Drop the notes on failed and removed builds after a month."""
    before = (now or timezone.now()) - _NOTE_AGE
    # What extends a removed build needs its row, to know what it was made of.
    old = IndexBuild.objects.filter(
        ~Exists(IndexBuild.objects.filter(base=OuterRef("pk"), state__in=ON_DISK)),
        state__in=(Build.FAILED, Build.REMOVED),
        created_at__lt=before,
    )
    return old.delete()[0]
