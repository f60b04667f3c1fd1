"""Which builds stay on disk, which hold a document, and what of rows no build needs any more."""

import logging
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.db.models import QuerySet

from knowledge import engines
from knowledge.indexing import configurations
from knowledge.indexing.leases import LeaseLost
from knowledge.indexing.vectors import ROWS, batched
from knowledge.models import Chunk, Document, Embedding, IndexBuild, IndexState
from knowledge.retrieval.types import IndexUnusable

logger = logging.getLogger(__name__)

Build = IndexBuild.State

ON_DISK = (Build.ACTIVE, Build.KEPT, Build.REFUSED)
_BROKE_OFF = "The worker that built it ended before it was complete."


def clear_interrupted_builds(*, full: bool, resumed: IndexBuild | None = None) -> None:
    """Clear what a killed worker left. Only for who holds the lease: nobody else is building.

    Args:
        full: full builds, or extensions.
        resumed: a full build that goes on.
    """
    left = IndexBuild.objects.filter(state=Build.BUILDING, base__isnull=full)
    for build in left:
        if resumed is None or build.pk != resumed.pk:
            discard(build, _BROKE_OFF)


def discard(build: IndexBuild, error: str) -> None:
    """A build in work comes to nothing, and nothing of it stays."""
    IndexBuild.objects.filter(pk=build.pk, state=Build.BUILDING).update(
        state=Build.FAILED, error=error[:500], progress={}
    )
    remove_unpublished(build)


def remove_unpublished(build: IndexBuild) -> None:
    """Delete what was written of a build, unless it was published after all."""
    if not IndexBuild.objects.filter(pk=build.pk, state__in=ON_DISK).exists():
        engines.remove_build(build)


@contextmanager
def discarded_unless_published(build: IndexBuild) -> Iterator[None]:
    """Remove a build's files where it comes to nothing; the reason is noted by who gives up."""
    try:
        yield
    except LeaseLost:
        discard(build, _BROKE_OFF)
        raise
    except BaseException:
        remove_unpublished(build)
        raise


def interrupted_full_build() -> IndexBuild | None:
    """A full build whose texts were being prepared, by a worker that paused or died."""
    return IndexBuild.objects.filter(state=Build.BUILDING, base=None, folder="").first()


def drop_old_builds() -> int:
    """Delete builds beyond the kept ones, and any that still holds a document that is gone.

    After each build, and by the sweep for a builder that was killed before it came to this.

    Of a full build's extensions only the newest counts as a release to go back to. A full build
    that is the base of one on disk stays with it, and does not count.
    """
    active = IndexBuild.objects.filter(state=Build.ACTIVE)
    bases: set[int | None] = set(active.values_list("base_id", flat=True))
    generations: set[int] = set()
    dropped = 0
    for build in IndexBuild.objects.filter(state=Build.KEPT).order_by("-pk"):
        if build.pk in bases:
            continue
        generation = build.base_id or build.pk
        is_release = generation not in generations and len(generations) < settings.KEPT_BUILDS
        if is_release and not holds_erased(build):
            generations.add(generation)
            bases.add(build.base_id)
            continue
        dropped += _drop(build)
    refused = IndexBuild.objects.filter(state=Build.REFUSED).order_by("-pk")
    for number, build in enumerate(refused):
        if number > 0 or holds_erased(build):
            dropped += _drop(build)
    _finish_removals()
    return dropped


def _finish_removals() -> None:
    """Delete what lies of builds whose rows say that they are gone: their remover was killed."""
    for name in engines.engine().names():
        gone = IndexBuild.objects.filter(folder=name, state__in=(Build.REMOVED, Build.FAILED))
        for build in gone:
            engines.remove_build(build)


def _drop(build: IndexBuild) -> int:
    """Remove a build, unless it became the active one meanwhile, or what that one extends."""
    removable = IndexBuild.objects.filter(pk=build.pk, state__in=(Build.KEPT, Build.REFUSED))
    if not removable.exclude(extensions__state=Build.ACTIVE).update(state=Build.REMOVED):
        return 0
    engines.remove_build(build)
    return 1


def holds_erased(build: IndexBuild) -> bool:
    """Whether a build has words of a document that is gone; one that cannot be read counts.

    Documents are only looked for where one was deleted since its rows were read.
    """
    wanted = IndexState.objects.filter(pk=1).values_list("full_wanted", flat=True).first() or 0
    try:
        if all(part.revision >= wanted for part in _parts(build)):
            return build.folder not in engines.engine_of(build).names()
        held = list(documents_in(build))
    except (IndexUnusable, OSError):
        return True
    there = sum(Document.objects.filter(pk__in=part).count() for part in batched(held, ROWS))
    return there < len(held)


def _parts(build: IndexBuild) -> list[IndexBuild]:
    """A build and the full one whose files it has too.

    Raises:
        IndexUnusable: the row of that one is gone.
    """
    if build.base is None and build.recent:
        raise IndexUnusable("nothing is known of the full build that it extends")
    return [build] if build.base is None else [build, build.base]


def documents_in(build: IndexBuild) -> set[int]:
    """The documents whose words are in a build, also where it does not show them any more.

    Raises:
        IndexUnusable: it is missing or damaged.
    """
    held: set[int] = set()
    for part in _parts(build):
        held.update(engines.open_build(part).versions())
    return held


def builds_holding(document_ids: Collection[int]) -> list[int]:
    """The builds on disk that have words of these documents, or may have them.

    One that is being written may have read them before they went; one that cannot be read may
    hold anything, as may one that was put aside as damaged.
    """
    wanted = set(document_ids)
    if not wanted:
        return []
    found = set(IndexBuild.objects.filter(state=Build.BUILDING).values_list("pk", flat=True))
    found |= set(engines.quarantined())
    for build in IndexBuild.objects.filter(state__in=ON_DISK).select_related("base"):
        try:
            is_held = not wanted.isdisjoint(documents_in(build))
        except (IndexUnusable, OSError):
            is_held = True
        if is_held:
            found.add(build.pk)
    return sorted(found)


def remove_unused_rows() -> dict[str, int]:
    """Delete chunks and vectors of configurations that no build on disk has, nor the settings.

    Nothing goes while a build is being made, or while the settings' model cannot be found.
    """
    wanted = configurations.wanted_if_known()
    nothing = {"unused_chunks": 0, "unused_vectors": 0}
    if wanted is None or IndexBuild.objects.filter(state=Build.BUILDING).exists():
        return nothing
    on_disk = IndexBuild.objects.filter(state__in=ON_DISK)
    if on_disk.filter(configuration=None).exists():
        return nothing
    splitters = {wanted.splitter, *on_disk.values_list("configuration__splitter", flat=True)}
    models = {wanted.embedding_model, *on_disk.values_list("model", flat=True)}
    return {
        "unused_chunks": _delete(Chunk.objects.exclude(splitter__in=splitters)),
        "unused_vectors": _delete(Embedding.objects.exclude(model__in=models)),
    }


def _delete(rows: QuerySet[Any]) -> int:
    """Delete rows that nothing points at, 500 in a transaction."""
    removed = 0
    while keys := list(rows.order_by().values_list("pk", flat=True)[:ROWS]):
        removed += rows.model._default_manager.filter(pk__in=keys).delete()[0]  # noqa: SLF001
    return removed
