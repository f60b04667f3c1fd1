"""What a build is made of: of each document the newest version that has chunks and vectors."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery

from knowledge.indexing import vectors
from knowledge.indexing.leases import BuildLease, Heartbeat, Version
from knowledge.ingestion.units import embedded_form
from knowledge.models import Chunk, Document, DocumentVersion, Embedding
from knowledge.retrieval.embedder import Embedder
from knowledge.retrieval.types import BuildFailed, IndexRow

logger = logging.getLogger(__name__)

_VERSIONS_AT_A_TIME = 100


@dataclass(frozen=True)
class Chosen:
    """A document and the version that a build takes of it."""

    document_id: int
    title: str
    version_id: int


def answering_versions() -> QuerySet[DocumentVersion]:
    """Versions that can stand in a build: their chunks and vectors are stored."""
    return DocumentVersion.objects.filter(state__in=(Version.EMBEDDED, Version.READY))


def choose() -> list[Chosen]:
    """The newest such version of every document, inactive and restricted ones included.

    Who may see what is decided at every search, so that switching a document on or off needs no
    build.
    """
    newest = answering_versions().filter(document=OuterRef("pk")).order_by("-number")
    found = (
        Document.objects.annotate(chosen=Subquery(newest.values("pk")[:1]))
        .exclude(chosen=None)
        .order_by("pk")
        .values_list("pk", "title", "chosen")
    )
    return [Chosen(*row) for row in found]


def changed(chosen: list[Chosen]) -> list[Chosen]:
    """Those that do not answer with this version yet."""
    now = dict(Document.objects.values_list("pk", "active_version_id"))
    waiting = set(
        DocumentVersion.objects.filter(state=Version.EMBEDDED).values_list("pk", flat=True)
    )
    return [
        item
        for item in chosen
        if now.get(item.document_id) != item.version_id or item.version_id in waiting
    ]


def fill_missing(embedder: Embedder, lease: BuildLease, heartbeat: Heartbeat) -> None:
    """Embed what has no vector of this model: after a change of model, or a lost row.

    The active build serves meanwhile. What is done stays done when the work is broken off.
    """

    def on_batch(done: int) -> None:
        heartbeat.check()
        lease.write()

    while texts := _without_vector(embedder.fingerprint):
        logger.info("embedding %s chunks with %s", len(texts), embedder.fingerprint)
        vectors.fill(texts, embedder, on_batch)


def _without_vector(fingerprint: str) -> dict[str, str]:
    """At most 500 texts to embed, by content hash."""
    newer = answering_versions().filter(
        document=OuterRef("document"), number__gt=OuterRef("number")
    )
    has_vector = Embedding.objects.filter(model=fingerprint, content_hash=OuterRef("content_hash"))
    found = (
        Chunk.objects.filter(version__in=answering_versions().filter(~Exists(newer)))
        .filter(~Exists(has_vector))
        .order_by("pk")
        .values_list("content_hash", "version__document__title", "heading", "text")
    )
    return {
        content_hash: _embedded_text(title, heading, text)
        for content_hash, title, heading, text in found[: vectors.ROWS]
    }


def _embedded_text(title: str, heading: str, text: str) -> str:
    """What the splitter embeds of a chunk, made again out of its row."""
    prefix = "\n".join(part for part in (" ".join(title.split()), heading) if part)
    return "\n\n".join(part for part in (prefix, embedded_form(text)) if part)


def index_rows(chosen: list[Chosen], fingerprint: str, heartbeat: Heartbeat) -> Iterator[IndexRow]:
    """All chunks of the chosen versions with their vectors, read 500 at a time.

    No database cursor is open between two rows, as a reader that stays in a transaction keeps
    SQLite from checkpointing.

    Raises:
        BuildFailed: a vector went away meanwhile.
    """
    for start in range(0, len(chosen), _VERSIONS_AT_A_TIME):
        part = {item.version_id: item for item in chosen[start : start + _VERSIONS_AT_A_TIME]}
        for page in _pages(list(part)):
            heartbeat.check()
            found = vectors.stored([chunk.content_hash for chunk in page], fingerprint)
            for chunk in page:
                yield _index_row(chunk, part[chunk.version_id], found)


def _pages(version_ids: list[int]) -> Iterator[list[Chunk]]:
    """Chunks of some versions in pages of 500, by key and not by offset."""
    after = Q()
    while page := list(
        Chunk.objects.filter(after, version_id__in=version_ids)
        .order_by("version_id", "ordinal")
        .defer("tokens", "start", "end", "page")[: vectors.ROWS]
    ):
        yield page
        last = page[-1]
        after = Q(version_id=last.version_id, ordinal__gt=last.ordinal) | Q(
            version_id__gt=last.version_id
        )


def _index_row(chunk: Chunk, item: Chosen, found: dict[str, Any]) -> IndexRow:
    vector = found.get(chunk.content_hash)
    if vector is None:
        raise BuildFailed("A document changed while the index was built.")
    return IndexRow(
        chunk_id=chunk.pk,
        document_id=item.document_id,
        title=item.title,
        heading=chunk.heading,
        text=chunk.text,
        vector=vector,
    )
