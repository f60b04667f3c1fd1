"""A question into ranked rows of an index, with what is needed to judge them."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import numpy as np

from knowledge.retrieval.backends import A, SearchBackend
from knowledge.retrieval.calibration import Features, HitFeatures, answerable, relevance
from knowledge.retrieval.fusion import DENSE_WEIGHT, fuse
from knowledge.retrieval.types import Fused, Scored, Vector
from knowledge.retrieval.words import Term, View, question_terms

_DOUBT = 0.5  # of an unknown term's weight; .25 to 1 calibrate equally well
_UNKNOWN = Term("\0", View.WORD)  # a term that no text has


@dataclass(frozen=True)
class RetrieverConfig:
    """How many hits are wanted, how deep each stage looks, how much the dense one counts."""

    limit: int = 8
    candidates: int = 50
    dense_weight: float = DENSE_WEIGHT


@dataclass(frozen=True)
class RetrievedHit:
    """A row with its chunk and document, each stage's score (None: not seen), and 0..1 in all."""

    row: int
    chunk_id: UUID
    document_id: int
    dense: float | None
    lexical: float | None
    fused: float
    coverage: float  # 0..1, share of the question's terms that it has, weighted by rarity
    relevance: float


@dataclass(frozen=True)
class Retrieved:
    """Hits, best first; ``answerable`` (0..1) is made of ``features``."""

    hits: tuple[RetrievedHit, ...]
    answerable: float
    features: Features


NOTHING = Retrieved((), 0.0, Features())


def retrieve(
    query: str,
    vector: Vector | None,
    index: SearchBackend[A],
    allowed: A,
    config: RetrieverConfig,
) -> Retrieved:
    """Search both ways within the audience and fuse; without a vector by words alone."""
    if not allowed.count or config.limit <= 0:
        return NOTHING
    depth = max(config.candidates, config.limit)
    lexical = index.lexical(query, allowed, depth)
    dense = _dense(vector, index, allowed, depth, lexical)
    ranked = fuse(dense, lexical, config.dense_weight)
    if not ranked:
        return NOTHING
    question = _Question(query, index)
    has = index.matches(question.terms, [hit.row for hit in ranked[: config.limit]])
    covered = [question.coverage(has[hit.row]) for hit in ranked[: config.limit]]
    features = Features(
        best_dense=max(hit.score for hit in dense) if dense else None, coverage=covered[0]
    )
    hits = [
        _hit(hit, index, share) for hit, share in zip(ranked[: config.limit], covered, strict=True)
    ]
    return Retrieved(tuple(hits), answerable(features), features)


class _Question:
    """A question's terms with their weights in one index."""

    def __init__(self, query: str, index: SearchBackend[A]) -> None:
        self._weights = {term: index.lexical_weight(term) for term in question_terms(query)}
        self.terms = list(self._weights)
        self._least = sum(self._weights.values()) + _DOUBT * index.lexical_weight(_UNKNOWN)

    def coverage(self, found: frozenset[Term]) -> float:
        """The share of the terms, weighted by rarity, that is found: 0 to below 1.

        Half an unknown term is added to those not found, so that one common word ("what time is
        it") proves less than five.
        """
        return sum(self._weights[term] for term in found) / self._least if self._least else 0.0


def _dense(
    vector: Vector | None,
    index: SearchBackend[A],
    allowed: A,
    depth: int,
    lexical: Sequence[Scored],
) -> list[Scored]:
    """The nearest rows, and the exact cosine of those that only the words have found."""
    if vector is None:
        return []
    nearest = index.dense(vector, allowed, depth)
    if not nearest:
        return []
    seen = {hit.row for hit in nearest}
    others = [hit.row for hit in lexical if hit.row not in seen]
    cosines = index.vectors(others) @ vector if others else np.zeros(0)
    return nearest + [
        Scored(row, float(cosine)) for row, cosine in zip(others, cosines, strict=True)
    ]


def _hit(hit: Fused, index: SearchBackend[A], coverage: float) -> RetrievedHit:
    return RetrievedHit(
        row=hit.row,
        chunk_id=index.chunk_id(hit.row),
        document_id=int(index.document_ids[hit.row]),
        dense=hit.dense,
        lexical=hit.lexical,
        fused=hit.fused,
        coverage=coverage,
        relevance=relevance(HitFeatures(hit.dense, coverage)),
    )
