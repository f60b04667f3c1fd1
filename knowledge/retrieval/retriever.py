"""A question into ranked rows of an index, with what is needed to judge them."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from uuid import UUID

import numpy as np

from knowledge.retrieval.backends import A, SearchBackend
from knowledge.retrieval.calibration import Features, HitFeatures, relevance
from knowledge.retrieval.fusion import Asked, Candidate, fuse
from knowledge.retrieval.types import Fused, Scored, Vector
from knowledge.retrieval.words import Term, View, question_terms

_DOUBT = 0.5  # of an unknown term's weight; .25 to 1 calibrate equally well
_ENOUGH_TRUST = 0.5
_NAMING = {View.EXACT: 1.0, View.COMPOUND: 0.5}  # how far it is a name that nothing else has
_COUNTED = (View.WORD, View.PAIR)  # an identifier's words are among them
AskedVector = Vector | None | Callable[[], Vector | None]
_UNKNOWN = Term("\0", View.WORD)  # a term that no text has


@dataclass(frozen=True)
class RetrieverConfig:
    """How many hits are wanted, how deep each search looks, and how far cosines are trusted.

    ``trust`` (0..1) is low for a question in a language that the embedding model does not know.
    """

    limit: int = 8
    candidates: int = 50
    trust: float = 1.0


@dataclass(frozen=True)
class RetrievedHit:
    """A row with its chunk and document, each stage's score (None: not seen), and 0..1 in all.

    The rows of a document follow each other in reading order, so that the rows beside a hit's, if
    of the same document, are its neighbours in the text.
    """

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
    """Hits, best first, and what they show about the question as a whole.

    ``is_known``: the model knows the question's language, so that what it reads counts.
    """

    hits: tuple[RetrievedHit, ...]
    features: Features
    is_known: bool = True


NOTHING = Retrieved((), Features())


def retrieve(
    query: str,
    vector: AskedVector,
    index: SearchBackend[A],
    allowed: A,
    config: RetrieverConfig,
) -> Retrieved:
    """Search both ways within the audience and fuse; without a vector by words alone.

    A vector that is still being made is waited for when the words have been looked up.
    """
    if not allowed.count or config.limit <= 0:
        return NOTHING
    found = gather(query, vector, index, allowed, max(config.candidates, config.limit))
    asked = replace(found.asked, trust=config.trust)
    ranked = fuse(found.candidates, asked)[: config.limit]
    # Cosines of a language that the model does not know are high for whatever is asked.
    is_known = config.trust > _ENOUGH_TRUST
    if not ranked:
        return Retrieved((), Features(passages=allowed.count), is_known)
    features = _features(found, ranked[0], allowed.count, by_meaning=is_known)
    return Retrieved(_hits(ranked, index, by_meaning=is_known), features, is_known)


@dataclass(frozen=True)
class Gathered:
    """What both searches found, and what the question is like.

    ``has``: which of the question's terms a row has; ``weight``: of all its terms together.
    """

    candidates: list[Candidate]
    asked: Asked
    has: Mapping[int, frozenset[Term]] = field(default_factory=dict)
    weight: float = 0.0


def gather(
    query: str, vector: AskedVector, index: SearchBackend[A], allowed: A, depth: int
) -> Gathered:
    """The best of each search, so many, with every feature of each that can be had cheaply."""
    lexical = {hit.row: hit.score for hit in index.lexical(query, allowed, depth)}
    question = _Question(query, index)
    has = index.matches(question.terms, list(lexical))
    made = vector() if callable(vector) else vector
    dense = _dense(made, index, allowed, depth, list(lexical))
    rows = list(dict.fromkeys([*dense, *lexical]))
    if not rows:
        return Gathered([], Asked())
    has |= index.matches(question.terms, [row for row in rows if row not in has])
    candidates = [
        Candidate(row, dense.get(row), lexical.get(row), question.coverage(has[row]))
        for row in rows
    ]
    return Gathered(candidates, question.asked(has), has, question.weight)


def _features(found: Gathered, first: Fused, passages: int, *, by_meaning: bool) -> Features:
    """What the search shows as a whole."""
    dense = [each.dense for each in found.candidates if each.dense is not None]
    lexical = max((each.lexical or 0.0 for each in found.candidates), default=0.0)
    return Features(
        best_dense=max(dense, default=None) if by_meaning else None,
        coverage=first.coverage,
        found=len(found.has[first.row]),
        matched=lexical / math.sqrt(max(found.asked.terms, 1)),
        depth=lexical / found.weight if found.weight else 0.0,
        passages=passages,
    )


class _Question:
    """A question's terms with their weights in one index."""

    def __init__(self, query: str, index: SearchBackend[A]) -> None:
        self._weights = {term: index.lexical_weight(term) for term in question_terms(query)}
        self.terms = list(self._weights)
        self._unknown = index.lexical_weight(_UNKNOWN)
        self.weight = sum(self._weights.values())
        self._least = self.weight + _DOUBT * self._unknown
        self._covered: dict[frozenset[Term], float] = {}  # many passages have the same terms

    def coverage(self, found: frozenset[Term]) -> float:
        """The share of the terms, weighted by rarity, that is found: 0 to below 1.

        Half an unknown term is added to those not found, so that one common word ("what time is
        it") proves less than five.
        """
        covered = self._covered.get(found)
        if covered is None:
            weight = sum(self._weights[term] for term in found)
            covered = self._covered[found] = weight / self._least if self._least else 0.0
        return covered

    def asked(self, has: Mapping[int, frozenset[Term]]) -> Asked:
        """How long the question is, and how rare the rarest identifier that a row has."""
        length = sum(term.view in _COUNTED for term in self.terms)
        named = [term for term in self.terms if term.view in _NAMING]
        known = [term for term in named if any(term in found for found in has.values())]
        rarest = max((_NAMING[term.view] * self._weights[term] for term in known), default=0.0)
        return Asked(length, min(rarest / self._unknown, 1.0) if self._unknown else 0.0)


def _dense(
    vector: Vector | None,
    index: SearchBackend[A],
    allowed: A,
    depth: int,
    found_by_words: Sequence[int],
) -> dict[int, float]:
    """The nearest rows, and the exact cosine of those that only the words have found."""
    if vector is None:
        return {}
    nearest: list[Scored] = index.dense(vector, allowed, depth)
    cosines = {hit.row: hit.score for hit in nearest}
    others = [row for row in found_by_words if row not in cosines]
    if nearest and others:
        exact = index.vectors(others) @ vector
        cosines.update(zip(others, exact.tolist(), strict=True))
    if cosines and index.manifest.extra.get("metric") == "dot":
        return _scaled(cosines, vector, index)
    return cosines


def _scaled(
    products: dict[int, float], vector: Vector, index: SearchBackend[A]
) -> dict[int, float]:
    """Inner products of vectors of any length, in their order and about as large as cosines."""
    lengths = np.linalg.norm(index.vectors(list(products)), axis=1)
    usual = float(np.median(lengths)) * float(np.linalg.norm(vector))
    return {row: product / usual for row, product in products.items()} if usual else products


def _hits(
    ranked: Sequence[Fused], index: SearchBackend[A], *, by_meaning: bool
) -> tuple[RetrievedHit, ...]:
    rows = [hit.row for hit in ranked]
    return tuple(
        RetrievedHit(
            row=hit.row,
            chunk_id=chunk_id,
            document_id=document_id,
            dense=hit.dense,
            lexical=hit.lexical,
            fused=hit.fused,
            coverage=hit.coverage,
            relevance=relevance(HitFeatures(hit.dense if by_meaning else None, hit.coverage)),
        )
        for hit, chunk_id, document_id in zip(
            ranked, index.chunk_ids(rows), index.documents(rows), strict=True
        )
    )
