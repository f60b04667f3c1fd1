"""Scores into probabilities: is the question answerable here, does this passage bear on it.

Logistic regressions over a few figures of a search. The cosines are all-MiniLM-L6-v2's: for
another embedding model, fit them again with ``benchmarks/fit_calibration.py`` and put its figures
here.
"""

import math
from dataclasses import dataclass

# Below it, say that the documents do not answer. The intercepts are such that the line lies here.
THRESHOLD = 0.5

# Fitted by benchmarks/fit_calibration.py on 16,150 questions asked of 25 corpora: SQuAD 2.0
# paragraphs, an office handbook, a public-service FAQ, scientific abstracts and pages of error
# codes, each whole and as four corpora of 15 documents; not answerable are requests of CLINC150
# and the other sets' questions. AUC .994; it keeps 95 % of the answerable (every corpus weighing
# the same) and refuses 97.7 % of the others. With each set left out of its own fit: kept .85
# (SciFact's claims) to 1, refused .90 (the handbook, which is about leave and pay as many requests
# are) to 1.
_ANSWERABLE_DENSE = 11.508
_ANSWERABLE_COVERAGE = 6.202
_ANSWERABLE_LEAD = 13.466
_ANSWERABLE_LEXICAL_LEAD = 0.180
_ANSWERABLE_INTERCEPT = -9.292
# By words alone, where no question vector could be made: AUC .975, refuses 88 %. BM25 sums grow
# with the logarithm of the index's size, which is taken off again.
_WORDS_COVERAGE = 6.985
_WORDS_LEXICAL = 0.631
_WORDS_SIZE = -1.112
_WORDS_INTERCEPT = -0.944
# The same questions' first eight passages; relevant are those of the question's own documents.
# AUC .980, by words alone .909.
_RELEVANT_DENSE = 13.273
_RELEVANT_COVERAGE = 6.806
_RELEVANT_INTERCEPT = -5.440
_RELEVANT_WORDS_COVERAGE = 12.381
_RELEVANT_WORDS_INTERCEPT = -3.366


@dataclass(frozen=True)
class Features:
    """What a search as a whole shows about a question.

    ``best_dense`` is the cosine of the nearest passage, None without an embedder; ``coverage``
    (0..1) the share of the question's terms, weighted by rarity, that the first passage has;
    ``lead`` how far the nearest cosine is above the tenth; ``lexical`` the best BM25 sum, of an
    index with so many ``passages``; ``lexical_lead`` how far it is above the fifth.
    """

    best_dense: float | None = None
    coverage: float = 0.0
    lead: float = 0.0
    lexical: float = 0.0
    lexical_lead: float = 0.0
    passages: int = 1


@dataclass(frozen=True)
class HitFeatures:
    """What one passage shows about a question; ``dense`` is None without an embedder."""

    dense: float | None = None
    coverage: float = 0.0


def answerable(features: Features) -> float:
    """0..1: how likely it is that the allowed documents answer the question."""
    if features.best_dense is None:
        return _sigmoid(
            _WORDS_COVERAGE * features.coverage
            + _WORDS_LEXICAL * features.lexical
            + _WORDS_SIZE * math.log(max(features.passages, 1))
            + _WORDS_INTERCEPT
        )
    return _sigmoid(
        _ANSWERABLE_DENSE * features.best_dense
        + _ANSWERABLE_COVERAGE * features.coverage
        + _ANSWERABLE_LEAD * features.lead
        + _ANSWERABLE_LEXICAL_LEAD * features.lexical_lead
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
