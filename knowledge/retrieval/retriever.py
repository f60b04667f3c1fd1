"""A question into ranked rows of an index, with what is needed to judge them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

import numpy as np

from knowledge.retrieval.backends import A, SearchBackend
from knowledge.retrieval.calibration import Features, HitFeatures, answerable, relevance
from knowledge.retrieval.fusion import DENSE_WEIGHT, fuse
from knowledge.retrieval.types import Fused, Scored, Vector
from knowledge.retrieval.words import Term, question_terms

_JUDGED = 5  # the passages that an answer would be made of


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
    weights = {term: index.lexical_weight(term) for term in question_terms(query)}
    judged = [hit.row for hit in ranked[: max(config.limit, _JUDGED)]]
    has = index.matches(list(weights), judged)
    features = _features(ranked[:_JUDGED], dense, weights, has)
    hits = tuple(_hit(hit, index, weights, has[hit.row]) for hit in ranked[: config.limit])
    return Retrieved(hits, answerable(features), features)


def coverage(weights: Mapping[Term, float], found: frozenset[Term]) -> float:
    """The share of the terms' weight that is found, 0..1; 0 for a question without terms."""
    total = sum(weights.values())
    return sum(weights[term] for term in found) / total if total else 0.0


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


def _features(
    top: Sequence[Fused],
    dense: Sequence[Scored],
    weights: Mapping[Term, float],
    has: Mapping[int, frozenset[Term]],
) -> Features:
    cosines = sorted((hit.score for hit in dense), reverse=True)[:_JUDGED]
    covered = [coverage(weights, has[hit.row]) for hit in top]
    together = frozenset[Term]().union(*(has[hit.row] for hit in top))
    best_words = max(top, key=lambda hit: hit.lexical or 0.0)
    best_sense = max(top, key=lambda hit: hit.dense if hit.dense is not None else -1.0)
    return Features(
        has_dense=bool(cosines),
        best_dense=cosines[0] if cosines else 0.0,
        mean_dense=float(np.mean(cosines)) if cosines else 0.0,
        top_coverage=covered[0],
        best_coverage=max(covered),
        union_coverage=coverage(weights, together),
        agreement=best_words.row == best_sense.row and bool(best_words.lexical),
        terms=len(weights),
    )


def _hit(
    hit: Fused, index: SearchBackend[A], weights: Mapping[Term, float], found: frozenset[Term]
) -> RetrievedHit:
    covered = coverage(weights, found)
    return RetrievedHit(
        row=hit.row,
        chunk_id=index.chunk_id(hit.row),
        document_id=int(index.document_ids[hit.row]),
        dense=hit.dense,
        lexical=hit.lexical,
        fused=hit.fused,
        coverage=covered,
        relevance=relevance(HitFeatures(hit.dense, covered)),
    )
