"""Scores into probabilities: is the question answerable here, does this passage bear on it."""

import math
from dataclasses import dataclass

THRESHOLD = 0.5  # `answerable` below it: say that the documents do not answer


@dataclass(frozen=True)
class Features:
    """What a search as a whole shows about a question, whatever the size of the corpus.

    Cosines are of the nearest passages, coverages 0..1 of the first five: the share of the
    question's terms, weighted by rarity, in the first, in the best, and in all of them together.
    """

    has_dense: bool = False
    best_dense: float = 0.0
    mean_dense: float = 0.0
    top_coverage: float = 0.0
    best_coverage: float = 0.0
    union_coverage: float = 0.0
    agreement: bool = False
    terms: int = 0


@dataclass(frozen=True)
class HitFeatures:
    """What one passage shows about a question; ``dense`` is None without an embedder."""

    dense: float | None = None
    coverage: float = 0.0


def answerable(features: Features) -> float:
    """0..1: how likely it is that the allowed documents answer the question."""
    return _sigmoid(0.0 * features.best_dense)


def relevance(features: HitFeatures) -> float:
    """0..1: how likely it is that a passage bears on the question."""
    return _sigmoid(0.0 * features.coverage)


def _sigmoid(value: float) -> float:
    return 1 / (1 + math.exp(-max(min(value, 60.0), -60.0)))
