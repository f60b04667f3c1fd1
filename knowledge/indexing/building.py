"""All embedded chunks into one index build, published by one transaction.

The folder is written under a temporary name, read back, renamed and synced; only then the rows
change, fenced by the lease's token. Killed at any moment, either the old build or the new one is
active, and the next build clears what was left.
"""

import logging
from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from knowledge import conf, index_store, storage
from knowledge.indexing import cleaning, rows
from knowledge.indexing.leases import (
    BuildLease,
    Heartbeat,
    LeaseLost,
    Step,
    Version,
    claim_build,
    database_now,
)
from knowledge.indexing.rows import Chosen
from knowledge.indexing.vectors import ROWS
from knowledge.indexing.writing import Written, write
from knowledge.models import Document, DocumentVersion, IndexBuild, IndexState
from knowledge.retrieval.embedder import EmbedderUnavailable
from knowledge.retrieval.types import BuildFailed

logger = logging.getLogger(__name__)

Build = IndexBuild.State

_MOST_IN_A_ROW = 20  # builds by one task; the sweep goes on
_FIRST_PAUSE = timedelta(seconds=10)
_LONGEST_PAUSE = timedelta(minutes=15)
_NO_EMBEDDER = "The embedding model cannot be loaded."
_BROKE_OFF = "Building the index broke off. The log says why."


def build_index() -> bool:
    """Build and publish until nothing is left to do; returns whether anything was published.

    Changes that arrive while a build runs share the next one. Safe to call twice and at the same
    time: a second caller returns at once, as the first one sees what the second one came for.
    """
    published = False
    for _ in range(_MOST_IN_A_ROW):
        lease = claim_build() if is_build_due() else None
        if lease is None or not _build_once(lease):
            break
        published = True
    return published


def is_build_due() -> bool:
    """Whether the rows know more than the active build, or there is none where one could be."""
    order = IndexState.objects.filter(pk=1).first()
    if order is not None and order.wanted > order.built:
        return True
    return not IndexBuild.objects.filter(state=Build.ACTIVE).exists() and (
        rows.answering_versions().exists()
    )


def _build_once(lease: BuildLease) -> bool:
    try:
        with Heartbeat(lease.renew) as heartbeat:
            _build(lease, heartbeat)
    except LeaseLost:
        logger.info("this build was taken over by another worker")
    except EmbedderUnavailable:
        logger.exception("the index waits for the embedding model")
        _give_up(lease, _NO_EMBEDDER)
    except BuildFailed as error:
        logger.exception("the index could not be built")
        _give_up(lease, str(error))
    except Exception:  # the task's edge: the row says what happened
        logger.exception("building the index broke off")
        _give_up(lease, _BROKE_OFF)
    else:
        return True
    return False


def _build(lease: BuildLease, heartbeat: Heartbeat) -> None:
    cleaning.clear_interrupted_builds()
    if storage.lacks_space():
        raise BuildFailed(storage.NO_SPACE)
    revision = IndexState.objects.values_list("wanted", flat=True).get(pk=1)
    chosen = rows.choose()
    if not chosen:
        _publish_nothing(lease, revision)
    else:
        embedder = conf.embedder()
        rows.fill_missing(embedder, lease, heartbeat)
        build = IndexBuild.objects.create(
            model=embedder.fingerprint, dimension=embedder.dimension, revision=revision
        )
        written = write(build, chosen, heartbeat)
        _publish(lease, build, chosen, written)
    cleaning.drop_old_builds()


def _publish(lease: BuildLease, build: IndexBuild, chosen: list[Chosen], written: Written) -> None:
    """Make a written build the active one; all of it or nothing, and only while it is our turn."""
    changed = rows.changed(chosen)
    now = timezone.now()
    try:
        with transaction.atomic():
            lease.close(built=build.revision, attempts=0)
            IndexBuild.objects.filter(state=Build.ACTIVE).update(state=Build.KEPT)
            if not IndexBuild.objects.filter(pk=build.pk, state=Build.BUILDING).update(
                state=Build.ACTIVE,
                folder=written.folder,
                vectors=written.manifest.rows,
                documents=len(chosen),
                bytes=written.manifest.bytes,
                manifest_sha256=written.manifest.sha256,
                built_at=now,
                activated_at=now,
            ):
                raise LeaseLost(f"build {build.pk}")
            point_at(changed)
    except LeaseLost:
        index_store.remove_folder(written.folder)
        raise


def point_at(chosen: list[Chosen]) -> None:
    """Within a transaction: these versions answer from now on, but for those cancelled since."""
    for start in range(0, len(chosen), ROWS):
        part = chosen[start : start + ROWS]
        by_document = {item.document_id: item.version_id for item in part}
        # Documents before versions: the order of locks that the services have too.
        locked = Document.objects.select_for_update().filter(pk__in=by_document).order_by("pk")
        documents = list(locked.only("pk", "active_version"))
        DocumentVersion.objects.filter(pk__in=by_document.values(), state=Version.EMBEDDED).update(
            state=Version.READY, step=Step.DONE, percent=100, finished_at=timezone.now()
        )
        ready = set(
            DocumentVersion.objects.filter(
                pk__in=by_document.values(), state=Version.READY
            ).values_list("pk", flat=True)
        )
        answering = [document for document in documents if by_document[document.pk] in ready]
        for document in answering:
            document.active_version_id = by_document[document.pk]
        Document.objects.bulk_update(answering, ["active_version"])


def _publish_nothing(lease: BuildLease, revision: int) -> None:
    """No document is left: no build is active, and none is wanted."""
    with transaction.atomic():
        lease.close(built=revision, attempts=0)
        IndexBuild.objects.filter(state=Build.ACTIVE).update(state=Build.KEPT)


def _give_up(lease: BuildLease, sentence: str) -> None:
    """Note why a build failed and try again later; the old build goes on serving."""
    attempts = IndexState.objects.values_list("attempts", flat=True).get(pk=1)
    pause = min(_FIRST_PAUSE * 2 ** min(attempts, 10), _LONGEST_PAUSE)
    try:
        with transaction.atomic():
            lease.close(due_at=database_now(pause))
            _note_failure(sentence[:500])
    except LeaseLost:
        logger.info("this build was taken over by another worker")


def _note_failure(sentence: str) -> None:
    """The build in progress fails; without one a row says so, once for the same reason."""
    newest = IndexBuild.objects.first()
    if IndexBuild.objects.filter(state=Build.BUILDING).update(state=Build.FAILED, error=sentence):
        return
    if newest is None or (newest.state, newest.error) != (Build.FAILED, sentence):
        IndexBuild.objects.create(state=Build.FAILED, error=sentence, model="")
