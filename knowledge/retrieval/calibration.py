"""What a search shows about a question, and how likely it is that a passage bears on it.

Logistic regressions over a few figures of a search. The cosines are all-MiniLM-L6-v2's: for
another embedding model, fit them again with ``benchmarks/fit_calibration.py`` and put its figures
here.
"""

import math
from dataclasses import dataclass

THRESHOLD = 0.5  # from here on a passage bears on the question rather than not

# Fitted by benchmarks/fit_calibration.py on the first eight passages of 16,150 questions asked of
# 25 corpora: SQuAD 2.0 paragraphs, an office handbook, a public-service FAQ, scientific abstracts
# and pages of error codes, each whole and as four corpora of 15 documents. Relevant are those of
# the question's own documents. AUC .980, by words alone .909.
_RELEVANT_DENSE = 13.273
_RELEVANT_COVERAGE = 6.806
_RELEVANT_INTERCEPT = -5.440
_RELEVANT_WORDS_COVERAGE = 12.381
_RELEVANT_WORDS_INTERCEPT = -3.366


@dataclass(frozen=True)
class Features:
    """What a search as a whole shows about a question.

    ``best_dense`` is the cosine of the nearest passage, None without an embedder; ``coverage``
    (0..1) the share of the question's terms, weighted by rarity, that the first passage has, and
    ``found`` how many terms these are; ``matched`` the best BM25 sum by the root of the number of
    terms, ``depth`` by the sum of their weights; ``passages`` how many could be found.
    """

    best_dense: float | None = None
    coverage: float = 0.0
    found: int = 0
    matched: float = 0.0
    depth: float = 0.0
    passages: int = 1


@dataclass(frozen=True)
class HitFeatures:
    """What one passage shows about a question; ``dense`` is None without an embedder."""

    dense: float | None = None
    coverage: float = 0.0


def relevance(features: HitFeatures) -> float:
    """0..1: how likely it is that a passage bears on the question."""
    if features.dense is None:
        return _sigmoid(_RELEVANT_WORDS_COVERAGE * features.coverage + _RELEVANT_WORDS_INTERCEPT)
    return _sigmoid(
        _RELEVANT_DENSE * features.dense
        + _RELEVANT_COVERAGE * features.coverage
        + _RELEVANT_INTERCEPT
    )


def _sigmoid(value: float) -> float:
    return 1 / (1 + math.exp(-max(min(value, 60.0), -60.0)))
