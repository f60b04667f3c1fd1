"""A complete build becomes the one that answers, in one transaction; or it is refused."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.db.models import F
from django.utils import timezone

from core.hints import send_hint
from knowledge.indexing import configurations, due, rollbacks
from knowledge.indexing.leases import BuildLease, LeaseLost, Step, Version
from knowledge.indexing.rows import Chosen
from knowledge.indexing.vectors import ROWS, batched
from knowledge.models import (
    Document,
    DocumentVersion,
    IndexBuild,
    IndexConfiguration,
    IndexState,
)

logger = logging.getLogger(__name__)

Build = IndexBuild.State

# A plain statement a row: Django's bulk_update takes ten times as long.
_POINT = """
UPDATE knowledge_document
SET active_version_id = %s, revision = CASE WHEN revision > %s THEN revision ELSE %s END
WHERE id = %s
"""


@dataclass(frozen=True)
class Rights:
    """Whose turn it is: to publish, and to build in full where a full build is published."""

    publish: BuildLease
    full: BuildLease | None = None

    def close(self, revision: int, full_revision: int = 0) -> None:
        """Within a transaction: note what is built and give the rights back; raises LeaseLost."""
        self.publish.close(attempts=0, built=revision)
        if self.full is not None:
            self.full.close(attempts=0, full_built=full_revision)


@dataclass(frozen=True)
class Release:
    """A written build that is to answer, with the versions that it brings.

    ``full`` is the full build that was made with it: ``build`` itself, or its base where
    documents came while it was made; None where an extension comes alone. ``settled`` are versions
    in that full build, ``added`` those beside it; both without what answers already.
    """

    build: IndexBuild
    added: Sequence[Chosen] = ()
    full: IndexBuild | None = None
    settled: Sequence[Chosen] = ()


def publish(rights: Rights, release: Release) -> None:
    """Make a written build the active one; all of it or nothing, and only while it is our turn.

    The rights end here.

    Raises:
        LeaseLost: nothing was changed.
    """
    build, full, now = release.build, release.full, timezone.now()
    wanted = configurations.wanted_if_known()
    with transaction.atomic():
        rights.close(build.revision, full.revision if full else 0)
        IndexBuild.objects.filter(state=Build.ACTIVE).update(state=Build.KEPT)
        if full is not None and full.pk != build.pk:
            _move(full, Build.KEPT)
        _move(build, Build.ACTIVE, activated_at=now)
        if full is not None:
            point_at(release.settled, full.revision)
        # Of now, so that a full build that was begun before knows that it lacks them.
        point_at(release.added, IndexState.objects.values_list("wanted", flat=True).get(pk=1))
        if due.is_recent_part_large(build):
            IndexState.objects.filter(pk=1).update(full_wanted=F("wanted"))
        _forget_refusal(build, wanted)
        rollbacks.end(build)
        transaction.on_commit(tell_published, robust=True)


def tell_published() -> None:
    """Other apps look at what answers now; a lost hint is found by their own sweeps."""
    for name in settings.INDEX_PUBLISHED:
        send_hint(name)


def _move(build: IndexBuild, state: str, **fields: Any) -> None:
    """Within a transaction: a build in work comes to its end."""
    moved = IndexBuild.objects.filter(pk=build.pk, state=Build.BUILDING)
    if not moved.update(state=state, gate=build.gate, progress={}, **fields):
        raise LeaseLost(f"build {build.pk}")


def _forget_refusal(build: IndexBuild, wanted: IndexConfiguration | None) -> None:
    """Within a transaction: a refusal counts while the settings ask for what was refused."""
    if wanted is not None:
        still = IndexState.objects.filter(pk=1).exclude(refused=None)
        if build.configuration_id == wanted.pk or not still.filter(refused=wanted).exists():
            still.update(refused=None)


def refuse(full: BuildLease, build: IndexBuild, **told: Any) -> None:
    """A complete build does not answer, as the gate found; it is not made again by itself.

    Args:
        full: the claim, which ends here.
        build: what was judged.
        told: what the IndexState row is told with that.

    Raises:
        LeaseLost: nothing was changed.
    """
    with transaction.atomic():
        full.close(attempts=0, **told)
        _move(build, Build.REFUSED)
    logger.warning("index build %s was refused: %s", build.pk, build.gate.get("reason"))


def publish_nothing(rights: Rights, revision: int) -> None:
    """No document is left: no build is active, and none is wanted."""
    with transaction.atomic():
        rights.close(revision, revision)
        IndexBuild.objects.filter(state=Build.ACTIVE).update(state=Build.KEPT)
        rollbacks.end(None)


def point_at(chosen: Sequence[Chosen], revision: int = 0) -> None:
    """Within a transaction: these versions answer from now on, but for those cancelled since.

    Args:
        chosen: documents and versions.
        revision: what the documents are marked with, where they do not have a higher mark.
    """
    for part in batched(chosen, ROWS):
        _point_at(part, revision)


def _point_at(part: Sequence[Chosen], revision: int) -> None:
    by_document = {item.document_id: item.version_id for item in part}
    # Documents before versions: the order of locks that the services have too.
    locked = Document.objects.select_for_update().filter(pk__in=by_document).order_by("pk")
    documents = list(locked.values_list("pk", flat=True))
    versions = DocumentVersion.objects.filter(pk__in=by_document.values())
    versions.filter(state=Version.EMBEDDED).update(
        state=Version.READY, step=Step.DONE, percent=100, finished_at=timezone.now()
    )
    ready = set(versions.filter(state=Version.READY).values_list("pk", flat=True))
    answering = [
        (by_document[pk], revision, revision, pk) for pk in documents if by_document[pk] in ready
    ]
    with connection.cursor() as cursor:
        cursor.executemany(_POINT, answering)
