"""What a build is made of: of each document the newest version that has chunks and vectors."""

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

import numpy as np
from django.db import connection
from django.db.models import Count, Exists, OuterRef, QuerySet

from knowledge.indexing import vectors
from knowledge.indexing.leases import Version
from knowledge.models import Chunk, Document, DocumentVersion, Embedding
from knowledge.retrieval.types import BuildFailed, IndexRow, Vector

logger = logging.getLogger(__name__)

_PAGE = 2000  # chunks read at a time: 6 MB with texts and vectors
_VERSIONS = 500  # versions in one statement
_SOME = 500  # ids in one statement


@dataclass(frozen=True)
class Chosen:
    """A document and the version that a build takes of it; ``chunks`` is about how many."""

    document_id: int
    title: str
    version_id: int
    chunks: int = 0


@dataclass(frozen=True)
class Row:
    """A chunk as it is read for a build; ``vector`` is None where none is stored."""

    chunk_id: UUID
    version_id: int
    heading: str
    text: str
    content_hash: str
    vector: Vector | None


Fill = Callable[[list[Row]], dict[str, Vector]]  # makes the vectors of rows that have none


def answering_versions() -> QuerySet[DocumentVersion]:
    """Versions that can stand in a build: their text is stored."""
    return DocumentVersion.objects.filter(state__in=(Version.EMBEDDED, Version.READY))


def _newest() -> QuerySet[DocumentVersion]:
    """The newest such version of every document.

    Inactive and restricted documents too: who may see what is decided at every search, so that
    switching a document on or off needs no build.
    """
    newer = answering_versions().filter(
        document=OuterRef("document"), number__gt=OuterRef("number")
    )
    return answering_versions().filter(~Exists(newer))


def choose() -> list[Chosen]:
    """What a full build takes, in the order of documents."""
    return _chosen(_newest())


def choose_of(document_ids: Sequence[int]) -> list[Chosen]:
    """The same of some documents; those without such a version are left out."""
    found: list[Chosen] = []
    for part in vectors.batched(document_ids, _SOME):
        found += _chosen(_newest().filter(document_id__in=part))
    return found


def _chosen(versions: QuerySet[DocumentVersion]) -> list[Chosen]:
    rows = versions.order_by("document_id").values_list(
        "document_id", "document__title", "pk", "chunk_count"
    )
    return [Chosen(*row) for row in rows.iterator(chunk_size=10_000)]


def changed_since(revision: int, held: Mapping[int, int] | None = None) -> list[int]:
    """Documents whose part of the index is not what a build of this revision holds.

    Args:
        revision: the build's.
        held: the versions that it holds although they do not answer yet, by document.
    """
    waiting = _newest().filter(state=Version.EMBEDDED)
    new = {
        document_id
        for document_id, version_id in waiting.values_list("document_id", "pk")
        if (held or {}).get(document_id) != version_id
    }
    new |= set(Document.objects.filter(revision__gt=revision).values_list("pk", flat=True))
    return sorted(new)


def changed(chosen: Sequence[Chosen]) -> list[Chosen]:
    """Those that do not answer with this version yet."""
    found: list[Chosen] = []
    for part in vectors.batched(chosen, _SOME):
        settled = set(
            Document.objects.filter(
                pk__in=[item.document_id for item in part],
                active_version__state=Version.READY,
            ).values_list("pk", "active_version_id")
        )
        found += [item for item in part if (item.document_id, item.version_id) not in settled]
    return found


def changed_of_all(chosen: Sequence[Chosen]) -> list[Chosen]:
    """The same by one query over all documents, for builds that have most of them."""
    settled = dict(
        Document.objects.filter(active_version__state=Version.READY)
        .values_list("pk", "active_version_id")
        .iterator(chunk_size=10_000)
    )
    return [item for item in chosen if settled.get(item.document_id) != item.version_id]


def index_rows(
    chosen: Sequence[Chosen], splitter: str, model: str, fill: Fill
) -> Iterator[IndexRow]:
    """All chunks of the chosen versions with their vectors, read some 2,000 at a time.

    No database cursor is open between two rows, as a reader that stays in a transaction keeps
    SQLite from checkpointing.

    Args:
        chosen: documents and versions; what has no chunks of this splitting is not there.
        splitter: the splitting whose chunks are wanted.
        model: the fingerprint of the vectors' model.
        fill: makes and stores the vectors that turn out to be missing.

    Raises:
        BuildFailed: a vector went away meanwhile.
    """
    by_version = {item.version_id: item for item in chosen}
    for page in pages(chosen, splitter, model):
        missing = [row for row in page if row.vector is None]
        made = fill(missing) if missing else {}
        for row in page:
            vector = row.vector if row.vector is not None else made.get(row.content_hash)
            if vector is None:
                raise BuildFailed("A document changed while the index was built.")
            item = by_version[row.version_id]
            yield IndexRow(
                row.chunk_id,
                item.document_id,
                item.version_id,
                item.title,
                row.heading,
                row.text,
                vector,
            )


def pages(chosen: Sequence[Chosen], splitter: str, model: str) -> Iterator[list[Row]]:
    """Chunks with their vectors: small versions together, a large one in parts."""
    together: list[int] = []
    size = 0
    for item in chosen:
        if item.chunks > _PAGE:
            yield from _in_parts(item.version_id, splitter, model)
            continue
        if size + item.chunks > _PAGE or len(together) == _VERSIONS:
            yield _read(together, splitter, model)
            together, size = [], 0
        together.append(item.version_id)
        size += item.chunks
    if together:
        yield _read(together, splitter, model)


def _in_parts(version_id: int, splitter: str, model: str) -> Iterator[list[Row]]:
    first = 0
    while page := _read([version_id], splitter, model, (first, first + _PAGE)):
        yield page
        first += _PAGE


# Written by hand: no instances, and the vector joined by content and model, which no key relates.
_SELECT = """
SELECT c.id, c.version_id, c.heading, c.text, c.content_hash, e.vector
FROM knowledge_chunk c
LEFT JOIN knowledge_embedding e ON e.content_hash = c.content_hash AND e.model = %s
WHERE c.splitter = %s AND c.version_id IN ({}) {}
ORDER BY c.version_id, c.ordinal
"""
_PART = "AND c.ordinal >= %s AND c.ordinal < %s"


def _read(
    version_ids: Sequence[int], splitter: str, model: str, part: tuple[int, int] | tuple[()] = ()
) -> list[Row]:
    marks = ", ".join(["%s"] * len(version_ids))
    statement = _SELECT.format(marks, _PART if part else "")
    with connection.cursor() as cursor:
        cursor.execute(statement, [model, splitter, *version_ids, *part])
        found = cursor.fetchall()
    return [
        Row(
            chunk_id if isinstance(chunk_id, UUID) else UUID(hex=chunk_id),
            version_id,
            heading,
            text,
            content_hash,
            None if vector is None else np.frombuffer(vector, dtype="<f4"),
        )
        for chunk_id, version_id, heading, text, content_hash, vector in found
    ]


def without_chunks(chosen: Sequence[Chosen], splitter: str) -> set[int]:
    """Versions whose text was not split in this way yet, or not to the end.

    A splitting is stored from its end to its beginning, so that its first chunk says that all of
    it is there.
    """
    found: set[int] = set()
    for part in vectors.batched(chosen, _SOME):
        version_ids = {item.version_id for item in part}
        first = Chunk.objects.filter(version_id__in=version_ids, splitter=splitter, ordinal=0)
        found |= version_ids - set(first.values_list("version_id", flat=True))
    return found


def incomplete(chosen: Sequence[Chosen], splitter: str, model: str) -> set[int]:
    """Versions that lack chunks of this splitting, or vectors of this model for them."""
    has_vector = Embedding.objects.filter(model=model, content_hash=OuterRef("content_hash"))
    lacking = Chunk.objects.filter(
        ~Exists(has_vector), version_id__in=[item.version_id for item in chosen], splitter=splitter
    )
    found = set(lacking.order_by().values_list("version_id", flat=True).distinct())
    return found | without_chunks(chosen, splitter)


def recount(chosen: Sequence[Chosen], splitter: str) -> None:
    """Note on versions how many chunks they have in this splitting, for lists and sums."""
    for part in vectors.batched(chosen, _SOME):
        counts = (
            Chunk.objects.filter(
                version_id__in=[item.version_id for item in part], splitter=splitter
            )
            .order_by()
            .values_list("version_id")
            .annotate(n=Count("pk"))
        )
        known = {item.version_id: item.chunks for item in part}
        for version_id, number in counts:
            if known[version_id] != number:
                DocumentVersion.objects.filter(pk=version_id).update(chunk_count=number)


def size_of(chosen: Sequence[Chosen]) -> int:
    """About how many chunks these are."""
    return sum(item.chunks for item in chosen)
