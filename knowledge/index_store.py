"""The index as this process sees it: one snapshot, swapped when another build is active.

A search pins the snapshot that it began with. A build that cannot be loaded here leaves the old
snapshot serving; a damaged one is put aside, the newest kept build that loads takes its place and
the index is built again from the rows.
"""

import logging
import threading
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime
from time import monotonic
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import F, Subquery
from django.db.models.functions import Coalesce
from django.utils import timezone

from core.hints import send_hint
from core.statements import Marks, statement
from knowledge.engines import engine, folder_of, is_intact, open_build, quarantine
from knowledge.models import Calibration, Document, IndexBuild, IndexConfiguration, IndexState
from knowledge.retrieval.backends import SearchBackend
from knowledge.retrieval.types import IndexUnusable

__all__ = [
    "Snapshot",
    "audience_changed",
    "configuration_of",
    "current",
    "engine",
    "folder_of",
    "forget",
    "is_intact",
    "open_build",
    "open_snapshot",
    "put_aside",
    "status",
    "want_build",
]

logger = logging.getLogger(__name__)

_RETRY_SECONDS = 15.0  # a build that could not be loaded is tried again after this
_SOME = 500  # documents in one statement
# One machine that lacks memory must not put aside a build that is good for the others.
_HERE_ONLY = (OSError, MemoryError, RuntimeError)


@dataclass(frozen=True)
class Snapshot:
    """A build in memory: its vectors, words and ids belong together."""

    build_id: int
    model: str  # the embedding model's fingerprint
    built_at: datetime | None
    index: SearchBackend[Any]
    configuration: IndexConfiguration  # what it was split and is searched with
    audience_revision: int = 0  # of IndexState.audience, read before this was handed out
    calibration: UUID | None = None  # of "not found", fitted here; None: the shipped one


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
    found = statement(("active build",), _mark).rows()
    if not found:
        _shelf.snapshot = None
        return None
    ((build_id, revision, fitted),) = found
    held = _shelf.snapshot
    if held is None or held.build_id != build_id:
        held = _swap(_active())
    if held is None or (held.audience_revision, held.calibration) == (revision, fitted):
        return held
    return replace(held, audience_revision=revision, calibration=fitted)


def open_snapshot(build: IndexBuild) -> Snapshot:
    """A build that need not be the active one, to ask it questions before or after its time.

    Raises:
        IndexUnusable: it is missing or damaged.
    """
    snapshot = _snapshot_of(build, open_build(build))
    return replace(
        snapshot, calibration=Calibration.objects.in_use().values_list("pk", flat=True).first()
    )


def _snapshot_of(build: IndexBuild, index: SearchBackend[Any]) -> Snapshot:
    return Snapshot(build.pk, build.model, build.built_at, index, configuration_of(build))


def configuration_of(build: IndexBuild) -> IndexConfiguration:
    """What a build was made with; one from before configurations had names takes the settings."""
    return build.configuration or IndexConfiguration(
        embedding_model=build.model,
        chunk_tokens=settings.CHUNK_TOKENS,
        chunk_overlap_tokens=settings.CHUNK_OVERLAP_TOKENS,
        top_k=settings.TOP_K,
    )


def forget() -> None:
    """Drop what is loaded; the next search loads the active build again."""
    with _shelf.lock:
        _shelf.snapshot = None
        _shelf.problem = ""
        _shelf.failed_build = None


def _active() -> IndexBuild | None:
    active = IndexBuild.objects.filter(state=IndexBuild.State.ACTIVE)
    return active.select_related("configuration").first()


def _mark() -> tuple[Any, Marks]:
    """The active build, the revision of who may see what, and what was fitted: in one query."""
    audience = IndexState.objects.filter(pk=1).values("audience")
    fitted = Calibration.objects.in_use().values("pk")[:1]
    active = IndexBuild.objects.filter(state=IndexBuild.State.ACTIVE).order_by()
    active = active.annotate(audience=Coalesce(Subquery(audience), 0), fitted=Subquery(fitted))
    return active.values_list("pk", "audience", "fitted"), {}


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
    _shelf.snapshot = _snapshot_of(build, index)
    _shelf.failed_build = None
    logger.info("index build %s is loaded", build.pk)
    return True


def _cannot_load_here(build: IndexBuild, error: Exception) -> bool:
    """Keep what is loaded, say so in health, and try again later."""
    logger.error("index build %s cannot be loaded here", build.pk, exc_info=error)
    _shelf.problem = f"Build {build.pk} cannot be loaded by this process: {type(error).__name__}"
    _shelf.failed_build, _shelf.failed_at = build.pk, monotonic()
    return True


def put_aside(build: IndexBuild, reason: str) -> None:
    """Take a damaged build out of use; safe when several processes find out at once."""
    successor = _newest_kept_that_loads(build)
    with transaction.atomic():
        want_build(full=True)
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
    quarantine(build)


def _newest_kept_that_loads(damaged: IndexBuild) -> IndexBuild | None:
    kept = IndexBuild.objects.filter(state=IndexBuild.State.KEPT).exclude(pk=damaged.pk)
    for build in kept.order_by("-pk"):
        try:
            open_build(build)
        except (IndexUnusable, *_HERE_ONLY):
            continue
        return build
    return None


def want_build(
    full: bool = False,  # noqa: FBT001  (read as a word at the call)
    documents: Collection[int] = (),
) -> None:
    """Ask for a build with what is known now. Call it first in the transaction of the change.

    It takes the lock of the one IndexState row; whoever writes documents and this row takes this
    one first, so that two of them cannot wait for each other.

    Args:
        full: ask for what a few added documents cannot bring: words that are to leave the disk,
            a repair.
        documents: those whose part of the index has changed, so that an extension brings them. A
            wish that neither names documents nor comes with a new version makes a full build.
    """
    IndexState.objects.get_or_create(pk=1)
    raised = {"wanted": F("wanted") + 1}
    if full:
        raised["full_wanted"] = F("wanted") + 1
    IndexState.objects.filter(pk=1).update(**raised)
    numbers = list(documents)
    now = IndexState.objects.filter(pk=1).values("wanted")
    for start in range(0, len(numbers), _SOME):
        part = Document.objects.filter(pk__in=numbers[start : start + _SOME])
        part.update(revision=Subquery(now))
    transaction.on_commit(lambda: send_hint("knowledge.tasks.build_index"), robust=True)


def audience_changed() -> None:
    """Note, in the transaction of the change, that who may see what is not as it was.

    Searches remember the rows of an audience by this revision: groups of a document or of a user,
    switching on and off, dates, a successor and an end all count. It takes the lock of the
    IndexState row, as ``want_build`` does: call it first in the transaction.
    """
    IndexState.objects.get_or_create(pk=1)
    IndexState.objects.filter(pk=1).update(audience=F("audience") + 1)


def status() -> dict[str, Any]:
    """For health: ``state`` is ok, degraded or failed, ``detail`` says why.

    Failed means that there is a build and none can be loaded. No build at all is ok.
    """
    snapshot = current()
    active = _active()
    order = IndexState.objects.filter(pk=1).first() or IndexState()
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
        "wanted": order.wanted,
        "built": order.built,
        **_facts_of(active, order),
    }


def _facts_of(active: IndexBuild | None, order: IndexState) -> dict[str, Any]:
    """What staff want to know of the release that answers."""
    newer = IndexBuild.objects.filter(state=IndexBuild.State.KEPT).exclude(activated_at=None)
    rolled_back = active is not None and newer.filter(pk__gt=active.pk).exists()
    return {
        "configuration": configuration_of(active).name if active else "",
        "rolled_back": rolled_back,
        "full_build_waits": order.full_wanted > order.full_built,
        "refused": order.refused.name if order.refused else "",
    }
