"""A question in, ranked passages out, within what the asker may see."""

import logging
from time import perf_counter
from typing import Any

from django.conf import settings

from knowledge import conf, index_store
from knowledge.index_store import Snapshot, status
from knowledge.models import Chunk, Document, DocumentQuerySet, DocumentVersion
from knowledge.passages import Filters, Passage, Scores, SearchResult
from knowledge.retrieval.embedder import EmbedderUnavailable
from knowledge.retrieval.retriever import Retrieved, RetrievedHit, RetrieverConfig, retrieve
from knowledge.search.query_vectors import embed, query_vector

__all__ = ["embed", "search", "status", "warm_up"]

logger = logging.getLogger(__name__)

MOST = 50
_LARGEST_ID = 2**63 - 1
# More hits than asked for, as the rows may know of deletions that the build does not.
_SPARE = 10
_UNFILTERED = Filters()


def search(
    query: str, *, user: Any, limit: int | None = None, filters: Filters = _UNFILTERED
) -> SearchResult:
    """The passages that bear best on a question, best first.

    The audience is read from the rows now, masks the index before anything is ranked, and is
    checked again on what was found. CPU work is done in the caller's thread: from async code call
    it in a thread. The number of queries does not depend on the number of rows.

    Args:
        query: the question, as typed.
        user: who asks; a visitor, a member, or nobody.
        limit: how many passages, at most 50; ``settings.TOP_K`` by default.
        filters: the caller's own narrowing.
    """
    began = perf_counter()
    limit = max(1, min(limit or settings.TOP_K, MOST))
    audience = _audience(user, filters)
    visible = set(audience.values_list("pk", flat=True))
    snapshot = index_store.current()
    if snapshot is None or not visible or not query.strip():
        return SearchResult((), 0.0, _since(began), len(visible), _build_of(snapshot))
    vector = query_vector(query, snapshot.model)
    found = retrieve(
        query,
        vector,
        snapshot.index,
        snapshot.index.allow(visible),
        RetrieverConfig(limit=min(limit + _SPARE, MOST)),
    )
    passages = _read(found, audience)[:limit]
    return SearchResult(
        passages=passages,
        answerable=found.answerable if passages else 0.0,
        took_ms=_since(began),
        searched=len(visible),
        build_id=snapshot.build_id,
        degraded=() if vector is not None else ("dense",),
    )


def warm_up() -> None:
    """Load the index and the embedding model before the first question; for a thread at start."""
    index_store.current()
    try:
        conf.embedder().embed_query("warm up")
    except EmbedderUnavailable:
        logger.exception("the embedding model is not available: answers go by words alone")


def _build_of(snapshot: Snapshot | None) -> int | None:
    return snapshot.build_id if snapshot is not None else None


def _since(began: float) -> float:
    return round((perf_counter() - began) * 1000, 1)


def _audience(user: Any, filters: Filters) -> DocumentQuerySet:
    """The documents that this search may show."""
    documents: DocumentQuerySet = Document.objects.visible_to(user)
    documents = documents.exclude(active_version=None)
    if filters.document_type:
        documents = documents.filter(document_type=filters.document_type)
    if filters.source:
        documents = documents.filter(source=filters.source)
    if filters.document_ids:
        possible = [pk for pk in filters.document_ids if 0 < pk <= _LARGEST_ID]
        documents = documents.filter(pk__in=possible)
    return documents


def _read(found: Retrieved, audience: DocumentQuerySet) -> tuple[Passage, ...]:
    """The hits as passages: those whose chunk is still there and whose document is visible."""
    hits = {hit.chunk_id: hit for hit in found.hits}
    rows = (
        Chunk.objects.filter(
            pk__in=hits,
            version__document__in=audience.values("pk"),
            version__state=DocumentVersion.State.READY,
        )
        .select_related("version__document")
        .defer("version__text", "version__outline", "version__pages", "version__warnings")
    )
    chunks = {chunk.pk: chunk for chunk in rows}
    return tuple(
        _passage(chunks[chunk_id], hit) for chunk_id, hit in hits.items() if chunk_id in chunks
    )


def _passage(chunk: Chunk, hit: RetrievedHit) -> Passage:
    version = chunk.version
    document = version.document
    return Passage(
        chunk_id=str(chunk.pk),
        document_id=document.pk,
        version_id=version.pk,
        document_version=version.number,
        title=document.title,
        heading=chunk.heading,
        page=chunk.page,
        text=chunk.text,
        start=chunk.start,
        end=chunk.end,
        score=hit.relevance,
        scores=Scores(dense=hit.dense, lexical=hit.lexical, fused=hit.fused),
        document_type=document.document_type,
        source=document.source,
        uploaded_at=version.created_at.isoformat(),
    )
