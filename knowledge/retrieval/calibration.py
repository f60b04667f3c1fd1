"""Scores into probabilities: is the question answerable here, does this passage bear on it.

Logistic regressions over a cosine and a share of words, neither of which depends on how large the
corpus is. The cosines are all-MiniLM-L6-v2's: for another embedding model, fit them again with
``benchmarks/fit_calibration.py`` and put its figures here.
"""

import math
from dataclasses import dataclass

# Below it, say that the documents do not answer. The intercepts are such that the line lies here.
THRESHOLD = 0.5

# Fitted by benchmarks/fit_calibration.py on 16,150 questions asked of 25 corpora: SQuAD 2.0
# paragraphs, an office handbook, a public-service FAQ, scientific abstracts and pages of error
# codes, each whole and as four corpora of 15 documents; not answerable are requests of CLINC150
# and the other sets' questions. AUC .993; it keeps 95 % of the answerable (every corpus weighing
# the same) and refuses 95 % of the others. With each set left out of its own fit: kept .93 to .99,
# refused .80 (the handbook, where requests about leave and pay are on topic) to .99.
_ANSWERABLE_DENSE = 17.154
_ANSWERABLE_COVERAGE = 6.141
_ANSWERABLE_INTERCEPT = -7.864
# By words alone, where no question vector could be made: AUC .963, refuses 75 %.
_WORDS_COVERAGE = 12.045
_WORDS_INTERCEPT = -2.077
# The same questions' first eight passages; relevant are those of the question's own documents.
# AUC .979, by words alone .946.
_RELEVANT_DENSE = 13.472
_RELEVANT_COVERAGE = 6.010
_RELEVANT_INTERCEPT = -5.307
_RELEVANT_WORDS_COVERAGE = 12.596
_RELEVANT_WORDS_INTERCEPT = -2.458


@dataclass(frozen=True)
class Features:
    """What a search as a whole shows about a question.

    ``best_dense`` is the cosine of the nearest passage, None without an embedder; ``coverage``
    (0..1) the share of the question's terms, weighted by rarity, that the first passage has.
    """

    best_dense: float | None = None
    coverage: float = 0.0


@dataclass(frozen=True)
class HitFeatures:
    """What one passage shows about a question; ``dense`` is None without an embedder."""

    dense: float | None = None
    coverage: float = 0.0


def answerable(features: Features) -> float:
    """0..1: how likely it is that the allowed documents answer the question."""
    if features.best_dense is None:
        return _sigmoid(_WORDS_COVERAGE * features.coverage + _WORDS_INTERCEPT)
    return _sigmoid(
        _ANSWERABLE_DENSE * features.best_dense
        + _ANSWERABLE_COVERAGE * features.coverage
        + _ANSWERABLE_INTERCEPT
    )


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
