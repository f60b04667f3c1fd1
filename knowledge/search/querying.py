"""A question in, ranked passages out, within what the asker may see."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Any

from django.utils import timezone

from knowledge import conf, index_store
from knowledge.index_store import Snapshot, status
from knowledge.passages import Filters, SearchResult
from knowledge.retrieval.embedder import EmbedderUnavailable
from knowledge.retrieval.retriever import NOTHING, Retrieved, RetrievedHit, retrieve
from knowledge.retrieval.types import Vector
from knowledge.search import masks
from knowledge.search.audiences import Audience, Scope
from knowledge.search.columns import with_columns
from knowledge.search.expanding import question_vector, retriever_config
from knowledge.search.judging import Ground, judge
from knowledge.search.leaving import left_out
from knowledge.search.masks import Visible
from knowledge.search.query_vectors import embed
from knowledge.search.reading import Read, read
from knowledge.search.reranking import reranked

__all__ = ["embed", "search", "search_in", "status", "warm_up"]

logger = logging.getLogger(__name__)

MOST = 50
# More hits than asked for, as the rows may know of deletions that the release does not, some texts
# stand in several documents, and a reranker wants to choose.
SPARE = 10
_FIRST_SPARE = 4  # of those, read at once: reading costs more than finding, and few are needed
_DEEPER = 200  # hits of the second look
_UNFILTERED = Filters()


@dataclass(frozen=True)
class Question:
    """What one search goes by; its vector is made while other things are looked up."""

    query: str
    vector: Callable[[], Vector | None]
    scope: Scope
    limit: int


@dataclass(frozen=True)
class Found:
    """What a look at a release brought, and within what."""

    retrieved: Retrieved
    read: Read
    seen: Visible


@dataclass(frozen=True)
class Wanted:
    """What a caller asks for; the default limit is that of the release's configuration."""

    query: str
    limit: int | None = None
    is_judged: bool = True


def search(
    query: str,
    *,
    user: Any,
    limit: int | None = None,
    filters: Filters = _UNFILTERED,
    is_judged: bool = True,
) -> SearchResult:
    """The passages that bear best on a question, best first.

    The asker's groups are read now, the rows of the release that they may see are masked before
    anything is ranked, and what was found is checked against the rows again. CPU work is done in
    the caller's thread: from async code call it in a thread. Two or three queries, and one more
    when who may see what has changed, however many documents there are.

    Args:
        query: the question, as typed.
        user: who asks; a visitor, a member, or nobody.
        limit: how many passages, at most 50; by default what the release's configuration says.
        filters: the caller's own narrowing.
        is_judged: let the reader read the first passages, which takes longer than all the rest;
            without it the search's own signals decide.
    """
    began = perf_counter()
    scope = Scope(Audience.of(user), filters, timezone.localdate())
    snapshot = index_store.current()
    if snapshot is None:
        return SearchResult((), 0.0, _since(began), scope.documents().count(), None)
    return _search(snapshot, Wanted(query, limit, is_judged), scope, began)


def search_in(
    snapshot: Snapshot,
    query: str,
    *,
    audience: Audience,
    limit: int | None = None,
    filters: Filters = _UNFILTERED,
) -> SearchResult:
    """The same in a given release, which need not be the active one.

    In one that never was, documents count that no release has answered from yet.
    """
    began = perf_counter()
    current = index_store.current()
    is_released = current is not None and current.build_id == snapshot.build_id
    scope = Scope(audience, filters, timezone.localdate(), is_released)
    return _search(snapshot, Wanted(query, limit), scope, began)


def _search(snapshot: Snapshot, wanted: Wanted, scope: Scope, began: float) -> SearchResult:
    query = wanted.query
    limit = max(1, min(wanted.limit or snapshot.configuration.top_k, MOST))
    if not query.strip():
        documents = masks.visible(snapshot, scope).documents
        return SearchResult((), 0.0, _since(began), documents, snapshot.build_id)
    question = Question(query, question_vector(query, snapshot.model), scope, limit)
    seen = masks.visible(snapshot, scope)
    if not seen.documents:
        return SearchResult((), 0.0, _since(began), 0, snapshot.build_id)
    found = _look(question, snapshot, seen)
    ordered, was_reranked = reranked(query, found.read.passages)
    ground = Ground(snapshot, found.seen, found.retrieved, is_read=wanted.is_judged)
    judged = judge(query, with_columns(ordered[:limit]), ground)
    return SearchResult(
        passages=judged.passages,
        answerable=judged.judgement.answerable,
        took_ms=_since(began),
        searched=found.seen.documents,
        build_id=snapshot.build_id,
        degraded=degraded(question, was_reranked=was_reranked, was_read=judged.was_read),
        certainty=judged.judgement.certainty,
        unknown=judged.unknown,
        signals=judged.signals,
        left_out=left_out(found.retrieved.hits, found.read, judged.passages),
        hidden=len(found.read.unseen),
        in_sight=int(found.seen.rows.count),
        indexed=snapshot.index.size,
    )


def degraded(question: Question, *, was_reranked: bool, was_read: bool) -> tuple[str, ...]:
    """The stages that could not be used."""
    worked = {"dense": question.vector() is not None, "rerank": was_reranked, "reader": was_read}
    return tuple(stage for stage, works in worked.items() if not works)


def _look(question: Question, snapshot: Snapshot, seen: Visible) -> Found:
    """What may be shown; looked for once more where the first look is not what it should be."""
    depth = min(question.limit + SPARE, MOST)
    retrieved = find(question, snapshot, seen, depth)
    passages = _read_enough(retrieved.hits, question)
    if passages.unseen:  # the mask was too wide: what hidden passages did to the scores must go too
        seen = masks.visible(snapshot, question.scope, anew=True)
    elif len(passages.passages) >= question.limit or len(retrieved.hits) < depth:
        return Found(retrieved, passages, seen)
    retrieved = find(question, snapshot, seen, _DEEPER)
    return Found(retrieved, read(retrieved.hits, question.scope), seen)


def _read_enough(hits: Sequence[RetrievedHit], question: Question) -> Read:
    """The first rows, which nearly always do, or all of them; a reranker chooses from all."""
    few = hits[: question.limit + _FIRST_SPARE]
    if len(few) < len(hits) and conf.reranker() is None:
        found = read(few, question.scope)
        if found.unseen or len(found.passages) >= question.limit:
            return found
    return read(hits, question.scope)


def find(question: Question, snapshot: Snapshot, seen: Visible, depth: int) -> Retrieved:
    """Hits of the release within a mask, before the rows are asked."""
    if not seen.documents:
        return NOTHING
    config = retriever_config(question.query, snapshot.model, depth)
    return retrieve(question.query, question.vector, snapshot.index, seen.rows, config)


def warm_up() -> None:
    """Load the index and the embedding model before the first question; for a thread at start."""
    index_store.current()
    try:
        conf.embedder().embed_query("warm up")
    except EmbedderUnavailable:
        logger.exception("the embedding model is not available: answers go by words alone")


def _since(began: float) -> float:
    return round((perf_counter() - began) * 1000, 1)
