"""Scores into probabilities: is the question answerable here, does this passage bear on it.

Logistic regressions over a few figures of a search. The cosines are all-MiniLM-L6-v2's: for
another embedding model, fit them again with ``benchmarks/fit_calibration.py`` and put its figures
here.
"""

import math
from dataclasses import dataclass

# Below it, say that the documents do not answer. The intercepts are such that the line lies here.
THRESHOLD = 0.5

# Fitted by benchmarks/fit_calibration.py on @@ questions asked of @@ corpora: SQuAD 2.0
# paragraphs, an office handbook, a public-service FAQ, scientific abstracts and pages of error
# codes, each whole and as four corpora of 15 documents; not answerable are requests of CLINC150
# and the other sets' questions. AUC .993; it keeps 95 % of the answerable (every corpus weighing
# the same) and refuses 98 % of the others. With each set left out of its own fit: kept .90 to .99,
# refused .95 (the handbook, where requests about leave and pay are on topic) to .99.
_ANSWERABLE_DENSE = 11.663
_ANSWERABLE_COVERAGE = 8.879
_ANSWERABLE_LEAD = 14.684
_ANSWERABLE_INTERCEPT = -10.175
# By words alone, where no question vector could be made: AUC .973, refuses 88 %. BM25 sums grow
# with the logarithm of the index's size, which is taken off again.
_WORDS_COVERAGE = 8.287
_WORDS_LEXICAL = 0.594
_WORDS_SIZE = -1.163
_WORDS_INTERCEPT = -0.950
# The same questions' first eight passages; relevant are those of the question's own documents.
# AUC .976, by words alone .911.
_RELEVANT_DENSE = 12.784
_RELEVANT_COVERAGE = 6.866
_RELEVANT_INTERCEPT = -5.336
_RELEVANT_WORDS_COVERAGE = 11.791
_RELEVANT_WORDS_INTERCEPT = -3.365


@dataclass(frozen=True)
class Features:
    """What a search as a whole shows about a question.

    ``best_dense`` is the cosine of the nearest passage, None without an embedder; ``coverage``
    (0..1) the share of the question's terms, weighted by rarity, that the first passage has;
    ``lead`` how far the nearest cosine is above the tenth; ``lexical`` the best BM25 sum, of an
    index with so many ``passages``.
    """

    best_dense: float | None = None
    coverage: float = 0.0
    lead: float = 0.0
    lexical: float = 0.0
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
