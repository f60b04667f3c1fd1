"""The index on disk as this process sees it: one snapshot, swapped when another build is active.

A search pins the snapshot that it began with. A build that cannot be loaded here leaves the old
snapshot serving; a damaged one is put aside, the newest kept build that loads takes its place and
the index is built again from the rows.
"""

import hashlib
import json
import logging
import platform
import shutil
import threading
import uuid
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from time import monotonic
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from core.hints import send_hint
from knowledge.models import IndexBuild, IndexState
from knowledge.retrieval.backends.files import FileIndex
from knowledge.retrieval.backends.manifest import read_manifest
from knowledge.retrieval.types import IndexUnusable

logger = logging.getLogger(__name__)

QUARANTINE = "quarantine-"
_RETRY_SECONDS = 15.0  # a build that could not be loaded is tried again after this
# One machine that lacks memory must not put aside a build that is good for the others.
_HERE_ONLY = (OSError, MemoryError, RuntimeError)


@dataclass(frozen=True)
class Snapshot:
    """A build in memory: its vectors, words and ids belong together."""

    build_id: int
    model: str  # the embedding model's fingerprint
    built_at: datetime | None
    index: FileIndex


class _Shelf:
    """What this process has loaded, and what it could not load."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.snapshot: Snapshot | None = None
        self.problem = ""
        self.failed_build: int | None = None
        self.failed_at = 0.0


_shelf = _Shelf()


def current() -> Snapshot | None:
    """The active build, loaded; one cheap query where nothing has changed.

    None means that there is no build, or that none can be loaded (see ``status``).
    """
    active = _active()
    if active is None:
        _shelf.snapshot = None
        return None
    held = _shelf.snapshot
    if held is not None and held.build_id == active.pk:
        return held
    return _swap(active)


def forget() -> None:
    """Drop what is loaded; the next search loads the active build again."""
    with _shelf.lock:
        _shelf.snapshot = None
        _shelf.problem = ""
        _shelf.failed_build = None


def _active() -> IndexBuild | None:
    return IndexBuild.objects.filter(state=IndexBuild.State.ACTIVE).first()


def _swap(active: IndexBuild | None) -> Snapshot | None:
    """Load the active build, or what takes its place when it turns out to be damaged.

    While another thread does so the old snapshot answers; only without one is there a wait.
    """
    held = _shelf.snapshot
    if not _shelf.lock.acquire(blocking=held is None):
        return held
    try:
        while active is not None:
            if _shelf.snapshot is not None and _shelf.snapshot.build_id == active.pk:
                break
            if _shelf.failed_build == active.pk and monotonic() < _shelf.failed_at + _RETRY_SECONDS:
                break
            if _load(active):
                break
            active = _active()
        return _shelf.snapshot
    finally:
        _shelf.lock.release()


def _load(build: IndexBuild) -> bool:
    """Put a build on the shelf; False where it was damaged and another one is active now."""
    try:
        index = open_build(build)
    except IndexUnusable as error:
        if is_intact(build):
            return _cannot_load_here(build, error)
        logger.exception("index build %s is damaged", build.pk)
        _shelf.problem = f"Build {build.pk} is damaged and was put aside: {error}"
        put_aside(build, str(error))
        return False
    except _HERE_ONLY as error:
        return _cannot_load_here(build, error)
    _shelf.snapshot = Snapshot(build.pk, build.model, build.built_at, index)
    _shelf.failed_build = None
    logger.info("index build %s is loaded", build.pk)
    return True


def _cannot_load_here(build: IndexBuild, error: Exception) -> bool:
    """Keep what is loaded, say so in health, and try again later."""
    logger.error("index build %s cannot be loaded here", build.pk, exc_info=error)
    _shelf.problem = f"Build {build.pk} cannot be loaded by this process: {type(error).__name__}"
    _shelf.failed_build, _shelf.failed_at = build.pk, monotonic()
    return True


def is_intact(build: IndexBuild) -> bool:
    """Whether every file of a build is as it was published, by its checksum.

    Such a build may still not load, in a process without memory for it; that is no reason to take
    it away from the others.
    """
    try:
        manifest = read_manifest(folder_of(build), verify=True)
    except IndexUnusable:
        return False
    return bool(build.folder) and manifest.sha256 == build.manifest_sha256


def folder_of(build: IndexBuild) -> Path:
    """Where a build lies."""
    return Path(settings.INDEX_DIR) / build.folder


def open_build(build: IndexBuild) -> FileIndex:
    """Open a build; its checksums are compared once per machine, and again after any change.

    Raises:
        IndexUnusable: it is missing or damaged.
    """
    folder = folder_of(build)
    if not build.folder or not folder.is_dir():
        raise IndexUnusable("its folder is missing")
    seal = _seal(folder)
    marker = _marker(folder)
    is_known = marker.is_file() and marker.read_text(encoding="ascii") == seal
    index = FileIndex.open(folder, verify=not is_known)
    if build.manifest_sha256 and index.manifest.sha256 != build.manifest_sha256:
        raise IndexUnusable("its manifest is not the one that was published")
    if not is_known:
        mark_verified(folder)
    return index


def mark_verified(folder: Path) -> None:
    """Note that a build's files were compared with their checksums on this machine."""
    temporary = folder.parent / f".marker-{uuid.uuid4().hex}"
    temporary.write_text(_seal(folder), encoding="ascii")
    temporary.replace(_marker(folder))


def _marker(folder: Path) -> Path:
    machine = hashlib.blake2b(platform.node().encode(), digest_size=4).hexdigest()
    return folder.parent / f".verified-{folder.name}-{machine}"


def _seal(folder: Path) -> str:
    """Names, sizes and times of change of all files of a build, as one hash."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    facts = [
        (str(path.relative_to(folder)), path.stat().st_size, path.stat().st_mtime_ns)
        for path in files
    ]
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()


def remove_folder(name: str) -> None:
    """Delete a build's folder and marker; processes that have it loaded keep it until they swap."""
    if not name:
        return
    folder = Path(settings.INDEX_DIR) / name
    shutil.rmtree(folder, ignore_errors=True)
    _marker(folder).unlink(missing_ok=True)


def put_aside(build: IndexBuild, reason: str) -> None:
    """Take a damaged build out of use; safe when several processes find out at once."""
    successor = _newest_kept_that_loads(build)
    with transaction.atomic():
        want_build()
        was_active = IndexBuild.objects.filter(pk=build.pk, state=IndexBuild.State.ACTIVE)
        if not was_active.update(
            state=IndexBuild.State.FAILED, error=f"Damaged on disk: {reason}"[:500]
        ):
            transaction.set_rollback(True)
            return
        if successor is not None:
            IndexBuild.objects.filter(pk=successor.pk, state=IndexBuild.State.KEPT).update(
                state=IndexBuild.State.ACTIVE, activated_at=timezone.now()
            )
    folder = folder_of(build)
    if build.folder and folder.is_dir():
        folder.rename(folder.with_name(f"{QUARANTINE}{folder.name}-{uuid.uuid4().hex[:8]}"))


def _newest_kept_that_loads(damaged: IndexBuild) -> IndexBuild | None:
    kept = IndexBuild.objects.filter(state=IndexBuild.State.KEPT).exclude(pk=damaged.pk)
    for build in kept.order_by("-pk"):
        try:
            open_build(build)
        except (IndexUnusable, *_HERE_ONLY):
            continue
        return build
    return None


def want_build() -> None:
    """Ask for a build with what is known now. Call it first in the transaction of the change.

    It takes the lock of the one IndexState row; whoever writes documents and this row takes this
    one first, so that two of them cannot wait for each other.
    """
    IndexState.objects.get_or_create(pk=1)
    IndexState.objects.filter(pk=1).update(wanted=F("wanted") + 1)
    transaction.on_commit(partial(send_hint, "knowledge.tasks.build_index"), robust=True)


def status() -> dict[str, Any]:
    """For health: ``state`` is ok, degraded or failed, ``detail`` says why.

    Failed means that there is a build and none can be loaded. No build at all is ok.
    """
    snapshot = current()
    active = _active()
    order = IndexState.objects.filter(pk=1).first()
    if active is not None and snapshot is None:
        state = "failed"
    elif active is not None and _shelf.failed_build == active.pk:
        state = "degraded"  # another build answers; one that is just being loaded is no problem
    else:
        state = "ok"
    return {
        "state": state,
        "detail": _shelf.problem if state != "ok" else "",
        "active": active.pk if active else None,
        "loaded": snapshot.build_id if snapshot else None,
        "vectors": active.vectors if active else 0,
        "wanted": order.wanted if order else 0,
        "built": order.built if order else 0,
    }
