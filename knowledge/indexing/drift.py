"""The drift meter: what the rows say should answer, against what the active release holds.

Zero everywhere is the normal state. What is on its way is no drift and is counted apart: changes
that a build is to bring (``waiting``), and rows of deleted documents that no search shows and that
the next full build leaves out (``pending_erasure``).
"""

import logging
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any
from uuid import UUID

import numpy as np
from django.utils import timezone

from core.models import PeriodicRun
from knowledge import index_store
from knowledge.indexing import rows
from knowledge.indexing.building import build_index
from knowledge.indexing.vectors import ROWS
from knowledge.models import Chunk, Document, Embedding, IndexBuild, IndexState, Receipt
from knowledge.retrieval.backends import SearchBackend
from knowledge.retrieval.types import IndexUnusable

logger = logging.getLogger(__name__)

NIGHTLY = "knowledge.drift"  # the name of the runs whose reports are the measurements
_ASKED = "asked for"  # the window of the last one that was not the night's


@dataclass
class Drift:
    """Counts of chunks, but for ``build``.

    Attributes:
        missing: of an answering version, and not in the release.
        orphaned: in the release, and not in the database.
        stale: in the release, of another version than the one that answers.
        wrong_model: in the release, with vectors of another model than its configuration's, or
            without a vector of that model in the database to build from again.
        waiting: of documents that changed since the release's rows were read.
        pending_erasure: in the release, of documents that were deleted since its rows were read.
        checked: in the release.
        build: the number of the release; 0 where there is none.
    """

    missing: int = 0
    orphaned: int = 0
    stale: int = 0
    wrong_model: int = 0
    waiting: int = 0
    pending_erasure: int = 0
    checked: int = 0
    build: int = 0

    @property
    def is_zero(self) -> bool:
        """Whether database and index agree."""
        return not (self.missing or self.orphaned or self.stale or self.wrong_model)

    def as_dict(self) -> dict[str, int]:
        return asdict(self)


@dataclass(frozen=True)
class _Answering:
    """A document as the rows have it."""

    pk: int
    revision: int
    version_id: int | None
    chunks: frozenset[UUID]


class _Held:
    """The chunks of a release by document, in flat arrays: a million take 32 MB."""

    def __init__(self, index: SearchBackend[Any]) -> None:
        found = np.fromiter(
            ((chunk.bytes, document, version) for chunk, document, version in index.every_chunk()),
            dtype=[("chunk", "V16"), ("document", "<i8"), ("version", "<i8")],
        )
        self._rows = found[np.argsort(found["document"], kind="stable")]
        self.size = len(found)

    def of(self, document_id: int) -> list[tuple[UUID, int]]:
        """Chunks with their versions."""
        ends = [document_id, document_id + 1]
        first, last = np.searchsorted(self._rows["document"], ends)
        return [
            (UUID(bytes=row["chunk"].tobytes()), int(row["version"]))
            for row in self._rows[first:last]
        ]

    def documents(self) -> list[int]:
        found: list[int] = np.unique(self._rows["document"]).tolist()
        return found


def measure() -> Drift:
    """Compare every chunk of the active release with the rows.

    Raises:
        IndexUnusable: there is an active release, and it cannot be read here.
    """
    active = (
        IndexBuild.objects.filter(state=IndexBuild.State.ACTIVE)
        .select_related("configuration", "base")
        .first()
    )
    if active is None:  # whatever answers then is waited for: a build is due
        return Drift(waiting=rows.size_of(rows.choose()))
    snapshot = index_store.open_snapshot(active)
    held = _Held(snapshot.index)
    drift = Drift(checked=held.size, build=active.pk)
    seen: set[int] = set()
    for page in _documents(snapshot.configuration.splitter):
        for document in page:
            _compare(document, held.of(document.pk), active.revision, drift)
        seen.update(document.pk for document in page)
        drift.wrong_model += _without_vector(page, active.model)
    gone = [document_id for document_id in held.documents() if document_id not in seen]
    _count_gone(gone, held, drift)
    if snapshot.configuration.embedding_model != active.model:
        drift.wrong_model = held.size
    return drift


def _documents(splitter: str) -> Iterator[list[_Answering]]:
    """All documents in pages, each with the chunks that should answer for it."""
    after = 0
    while page := list(
        Document.objects.filter(pk__gt=after)
        .order_by("pk")
        .values_list("pk", "revision", "active_version_id")[:ROWS]
    ):
        chunks: defaultdict[int, list[UUID]] = defaultdict(list)
        versions = [version_id for _, _, version_id in page if version_id is not None]
        wanted = Chunk.objects.filter(version_id__in=versions, splitter=splitter).order_by()
        for chunk_id, version_id in wanted.values_list("pk", "version_id"):
            chunks[version_id].append(chunk_id)
        yield [
            _Answering(pk, revision, version_id, frozenset(chunks[version_id or 0]))
            for pk, revision, version_id in page
        ]
        after = page[-1][0]


def _compare(
    document: _Answering, held: Sequence[tuple[UUID, int]], revision: int, drift: Drift
) -> None:
    current = {chunk for chunk, version_id in held if version_id == document.version_id}
    missing = len(document.chunks - current)
    stale = len(held) - len(current)
    if document.revision > revision:
        drift.waiting += missing + stale
    else:
        drift.missing += missing
        drift.stale += stale
    drift.orphaned += len(current - document.chunks)


def _without_vector(page: Sequence[_Answering], model: str) -> int:
    """How many of the chunks that should answer have no vector of the release's model."""
    ids = [chunk for document in page for chunk in document.chunks]
    found = 0
    for start in range(0, len(ids), ROWS):
        part = ids[start : start + ROWS]
        hashes = list(
            Chunk.objects.filter(pk__in=part).order_by().values_list("content_hash", flat=True)
        )
        known = set(
            Embedding.objects.filter(model=model, content_hash__in=hashes).values_list(
                "content_hash", flat=True
            )
        )
        found += sum(content_hash not in known for content_hash in hashes)
    return found


def _count_gone(document_ids: Sequence[int], held: _Held, drift: Drift) -> None:
    """Rows of documents that are not there: erased, or never known."""
    if not document_ids:
        return
    state = IndexState.objects.filter(pk=1).first() or IndexState()
    is_full_due = state.full_wanted > state.full_built
    erased = {
        pk
        for ids in Receipt.objects.filter(completed_at=None).values_list("document_ids", flat=True)
        for pk in ids
    }
    for document_id in document_ids:
        size = len(held.of(document_id))
        if is_full_due or document_id in erased:
            drift.pending_erasure += size
        else:
            drift.orphaned += size


def repair() -> Drift:
    """Make a full build out of the rows, embed what lost its vector, and measure again.

    Raises:
        IndexUnusable: as ``measure``.
    """
    index_store.want_build(full=True)
    build_index()
    return measure()


def check_nightly() -> dict[str, int]:
    """Measure, and ask for a full build where there is drift; the report is kept for health."""
    try:
        drift = measure()
    except (IndexUnusable, OSError):
        logger.exception("database and index could not be compared")
        return {"unreadable": 1}
    if not drift.is_zero:
        logger.error("database and index differ: %s", drift.as_dict())
        index_store.want_build(full=True)
    return drift.as_dict()


def measure_now(*, repairs: bool = False) -> Drift:
    """Measure, or repair and measure, for who asks; the report is kept like the night's.

    Raises:
        IndexUnusable: as ``measure``.
    """
    began = timezone.now()
    drift = repair() if repairs else measure()
    now = timezone.now()
    PeriodicRun.objects.update_or_create(
        name=NIGHTLY,
        window=_ASKED,
        defaults={
            "started_at": began,
            "finished_at": now,
            "lease_until": now,
            "report": drift.as_dict(),
        },
    )
    return drift


def last_measured() -> dict[str, Any] | None:
    """The report of the last run with ``at``, when it ended; None before the first."""
    run = (
        PeriodicRun.objects.filter(name=NIGHTLY).exclude(finished_at=None).order_by("-finished_at")
    ).first()
    if run is None or run.finished_at is None:
        return None
    return {**run.report, "at": run.finished_at.isoformat()}
