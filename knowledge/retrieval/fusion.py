"""Two rankings into one: a weighted sum of z-scores.

Measured against reciprocal rank fusion on four question sets it is better on each: scores say how
much better the first is than the second, which ranks forget.
"""

from collections.abc import Sequence

import numpy as np

from knowledge.retrieval.types import Fused, Scored

DENSE_WEIGHT = 0.65  # best or near it on all sets (.60 to .70)


def fuse(
    dense: Sequence[Scored], lexical: Sequence[Scored], dense_weight: float = DENSE_WEIGHT
) -> list[Fused]:
    """All rows of both lists, best first; equal sums by row number.

    A row that one list lacks counts with that list's worst score there. For the dense list the
    caller knows better and adds the missing rows with their exact cosine.
    """
    by_dense = {hit.row: hit.score for hit in dense}
    by_lexical = {hit.row: hit.score for hit in lexical}
    rows = sorted(by_dense.keys() | by_lexical.keys())
    sums = dense_weight * _standardised(by_dense, rows)
    sums = sums + (1 - dense_weight) * _standardised(by_lexical, rows)
    fused = [
        Fused(row, by_dense.get(row), by_lexical.get(row), float(total))
        for row, total in zip(rows, sums, strict=True)
    ]
    return sorted(fused, key=lambda hit: (-hit.fused, hit.row))


def _standardised(scores: dict[int, float], rows: Sequence[int]) -> np.ndarray:
    """Scores with mean 0 and deviation 1 over these rows; zeros where they do not differ."""
    if not scores:
        return np.zeros(len(rows))
    worst = min(scores.values())
    values = np.array([scores.get(row, worst) for row in rows], dtype=np.float64)
    deviation = float(values.std())
    if deviation < 1e-9:
        return np.zeros(len(rows))
    standardised: np.ndarray = (values - values.mean()) / deviation
    return standardised
