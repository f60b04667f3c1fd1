"""Hits of an index as passages: checked against the rows, and each text once."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any
from uuid import UUID

from django.db.models import Exists, OuterRef, QuerySet

from core.statements import NO_KEY, Marks, Row, statement
from knowledge.models import Chunk, DocumentVersion
from knowledge.passages import Passage, Scores
from knowledge.retrieval.retriever import RetrievedHit
from knowledge.search.audiences import Scope

_State = DocumentVersion.State
_READY = (_State.READY,)
_READY_OR_NEXT = (_State.READY, _State.EMBEDDED)
# Only what a passage shows is read: a version's text may have megabytes.
_COLUMNS = (
    "pk",
    "heading",
    "page",
    "text",
    "start",
    "end",
    "version_id",
    "version__number",
    "version__created_at",
    "version__orders",
    "version__document_id",
    "version__document__title",
    "version__document__document_type",
    "version__document__source",
    "version__document__review_by",
    "version__state",
)
# Lengths of the lists that statements are compiled for: those of a search with the usual limit, of
# one with a reranker, of one with the largest limit, and of a second look.
_SIZES = (14, 20, 50, 200)


@dataclass(frozen=True)
class Read:
    """Passages, best first, and what is none of them."""

    passages: tuple[Passage, ...]
    unseen: frozenset[UUID]  # chunks whose row is gone or not for the asker
    repeated: Mapping[UUID, Passage]  # chunks that say the same as one further up


def read(hits: Sequence[RetrievedHit], scope: Scope) -> Read:
    """One query for all hits; the rows decide again who sees what."""
    rows = _rows(hits, scope)
    seen = [hit for hit in hits if hit.chunk_id in rows]
    passages = [_passage(rows[hit.chunk_id], hit, scope) for hit in seen]
    kept, repeated = _each_once(passages)
    return Read(
        passages=kept,
        unseen=frozenset(hit.chunk_id for hit in hits if hit.chunk_id not in rows),
        repeated=repeated,
    )


def _rows(hits: Sequence[RetrievedHit], scope: Scope) -> dict[UUID, Sequence[Any]]:
    states = _READY if scope.is_released else _READY_OR_NEXT
    found: dict[UUID, Sequence[Any]] = {}
    for start in range(0, len(hits), _SIZES[-1]):
        part = hits[start : start + _SIZES[-1]]
        size = next(size for size in _SIZES if size >= len(part))
        compiled = statement(("passages", size, *scope.shape), partial(_marked, scope, size))
        rows = compiled.rows(chunks=[hit.chunk_id for hit in part], **scope.values)
        found.update((chunk_id, row) for chunk_id, *row, state in rows if state in states)
    return found


def _marked(scope: Scope, size: int) -> tuple[QuerySet[Chunk, Row], Marks]:
    """The query for so many chunks, with marks for its values.

    Nothing but the chunks' keys can lead the database to the rows: SQLite, which has no statistics,
    would else begin with all versions that are ready. So the state is only read here, and documents
    are looked at one by one.
    """
    marked, marks = scope.marked()
    chunks = [UUID(int=NO_KEY + number) for number in range(size)]
    allowed = marked.documents().filter(pk=OuterRef("version__document_id")).order_by()
    rows = Chunk.objects.filter(Exists(allowed), pk__in=chunks).order_by()
    return rows.values_list(*_COLUMNS), {**marks, "chunks": chunks}


def _passage(row: Sequence[Any], hit: RetrievedHit, scope: Scope) -> Passage:
    heading, page, text, start, end, version, number, created_at, orders, *of_document = row
    document, title, document_type, source, review_by = of_document
    return Passage(
        chunk_id=str(hit.chunk_id),
        document_id=document,
        version_id=version,
        document_version=number,
        title=title,
        heading=heading,
        page=page,
        text=text,
        start=start,
        end=end,
        score=hit.relevance,
        scores=Scores(dense=hit.dense, lexical=hit.lexical, fused=hit.fused),
        document_type=document_type,
        source=source,
        uploaded_at=created_at.isoformat(),
        review_by=review_by.isoformat() if review_by else "",
        is_overdue=review_by is not None and review_by < scope.today,
        gives_orders=bool(orders),
    )


def _each_once(passages: Iterable[Passage]) -> tuple[tuple[Passage, ...], dict[UUID, Passage]]:
    """The first passage of each text, with the other documents that have it."""
    kept: list[Passage] = []
    others: dict[str, list[int]] = {}  # by the chunk that is kept
    repeated: dict[UUID, Passage] = {}
    by_word: dict[str, list[Passage]] = {}  # only texts with the same first word can be the same
    for passage in passages:
        alike = by_word.setdefault(_first_word(passage.text), [])
        first = next((each for each in alike if says_the_same(each.text, passage.text)), None)
        if first is None:
            alike.append(passage)
            kept.append(passage)
            continue
        repeated[UUID(passage.chunk_id)] = passage
        named = others.setdefault(first.chunk_id, [])
        if passage.document_id != first.document_id and passage.document_id not in named:
            named.append(passage.document_id)
    return tuple(
        replace(passage, same_as=tuple(others[passage.chunk_id]))
        if others.get(passage.chunk_id)
        else passage
        for passage in kept
    ), repeated


def _first_word(text: str) -> str:
    return next(iter(text.split(None, 1)), "").casefold()


def says_the_same(one: str, other: str) -> bool:
    """Whether two texts differ in nothing that a reader would see as a difference."""
    return one == other or _normalised(one) == _normalised(other)


def _normalised(text: str) -> str:
    return " ".join(text.split()).casefold()
