"""How good a ranking is, and how well a score parts two kinds."""

import math
from collections.abc import Mapping, Sequence
from typing import TypeVar

import numpy as np

K = TypeVar("K")


def ndcg(ranked: Sequence[K], grades: Mapping[K, float], limit: int = 10) -> float:
    """Normalised discounted cumulative gain, 0..1; 0 where nothing is relevant.

    Each key counts at its first place. Gains are the grades themselves (Järvelin and Kekäläinen).
    """
    unique = list(dict.fromkeys(ranked))[:limit]
    gained = sum(grades.get(key, 0.0) / math.log2(at + 2) for at, key in enumerate(unique))
    best = sorted(grades.values(), reverse=True)[:limit]
    ideal = sum(grade / math.log2(at + 2) for at, grade in enumerate(best))
    return gained / ideal if ideal else 0.0


def recall(ranked: Sequence[K], relevant: set[K], limit: int = 5) -> float:
    """The share of what is relevant among the first ``limit`` different keys."""
    found = set(list(dict.fromkeys(ranked))[:limit])
    return len(found & relevant) / len(relevant) if relevant else 0.0


def auc(positive: Sequence[float], negative: Sequence[float]) -> float:
    """How often a positive's score is above a negative's; ties count half, .5 for no data."""
    if not len(positive) or not len(negative):
        return 0.5
    below = np.sort(np.asarray(negative, dtype=np.float64))
    scores = np.asarray(positive, dtype=np.float64)
    left = np.searchsorted(below, scores, side="left")
    right = np.searchsorted(below, scores, side="right")
    return float(((left + right) / 2).mean() / len(below))
