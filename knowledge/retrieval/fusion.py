"""Two rankings into one: a learned sum of cosine, BM25 and coverage.

The features of a row add up with weights that were learned from questions whose documents are
known. The cosine counts as a z-score over the candidates, since models differ in the cosines they
give, and counts less for a row that has the question's words anyway. BM25 is divided by the root of
the number of terms and otherwise counts as it is: it is large where the question has rare words, so
that the words of such a question weigh more by themselves. What a question names exactly, an error
code or a setting, takes weight from the cosine, which knows no difference between two codes.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from knowledge.retrieval.types import Fused

# Fitted by benchmarks/fit_fusion.py on 3,180 questions of six sets (SQuAD 2.0, a public FAQ, a
# handbook, identifiers, conversations, Cranfield), each set weighing the same. nDCG is flat here: a
# quarter more or less of any weight costs less than .005. On SciFact, which no weight has seen, the
# gain over each search alone is as large.
DENSE_WEIGHT = 1.84
LEXICAL_WEIGHT = 0.60
COVERAGE_WEIGHT = 2.34
BOTH_WEIGHT = -1.31  # of the product of cosine and coverage
# Without cosines BM25 ranks best by itself, but for identifiers, which coverage brings forward.
COVERAGE_ALONE = 0.5
# Of the cosine's weight, how much goes where a question names something as rare as can be: least
# that puts every page of an identifier first.
IDENTIFIED_DAMPING = 0.7
_KNOWN_LANGUAGE, _UNKNOWN_LANGUAGE = 0.65, 0.875  # tokens a letter


@dataclass(frozen=True)
class Asked:
    """What a question is like.

    ``terms``: how many it has; ``identified`` (0..1): how rare an identifier is that it names and
    some candidate has; ``trust`` (0..1): how well the embedding model knows its language.
    """

    terms: int = 1
    identified: float = 0.0
    trust: float = 1.0


class Candidate(NamedTuple):
    """A row with what is known of it.

    ``dense`` is a cosine, None where there is no vector; ``lexical`` a BM25 sum, None where it is
    not among the best; ``coverage`` (0..1) the share of the question's terms that it has.
    """

    row: int
    dense: float | None
    lexical: float | None
    coverage: float


def fuse(candidates: Sequence[Candidate], asked: Asked) -> list[Fused]:
    """All candidates, best first; equal sums by row number."""
    if not candidates:
        return []
    meaning, words, coverage = features(candidates, asked).T
    trust = 0.0 if all(each.dense is None for each in candidates) else asked.trust
    sums = (
        DENSE_WEIGHT * meaning
        + LEXICAL_WEIGHT * words
        + (COVERAGE_ALONE + trust * (COVERAGE_WEIGHT - COVERAGE_ALONE)) * coverage
        + BOTH_WEIGHT * meaning * coverage
    )
    fused = [
        Fused(each.row, each.dense, each.lexical, float(total), each.coverage)
        for each, total in zip(candidates, sums, strict=True)
    ]
    return sorted(fused, key=lambda hit: (-hit.fused, hit.row))


def features(candidates: Sequence[Candidate], asked: Asked) -> NDArray[np.float64]:
    """What the weights apply to, shape (n, 3): meaning, words and coverage."""
    damped = asked.trust * (1 - IDENTIFIED_DAMPING * asked.identified)
    length = math.sqrt(max(asked.terms, 1))
    return np.column_stack(
        (
            damped * _standardised([each.dense for each in candidates]),
            [(each.lexical or 0.0) / length for each in candidates],
            [each.coverage for each in candidates],
        )
    )


def language_trust(question: str, tokens: int) -> float:
    """How far to trust cosines of a question that the model reads as so many tokens.

    A model whose vocabulary lacks a language reads it letter by letter: all-MiniLM-L6-v2 takes .25
    tokens a letter of English, .4 of German and Spanish, .6 of error codes, and 1 of Arabic and
    Chinese, where its cosines spoil what the words find: there the words rank alone.
    """
    letters = sum(character.isalnum() for character in question)
    if not letters:
        return 1.0
    lacking = (tokens / letters - _KNOWN_LANGUAGE) / (_UNKNOWN_LANGUAGE - _KNOWN_LANGUAGE)
    return 1 - min(max(lacking, 0.0), 1.0)


def _standardised(values: Sequence[float | None]) -> NDArray[np.float64]:
    """Values with mean 0 and deviation 1; zeros where they do not differ or are not known."""
    known = [value for value in values if value is not None]
    if not known:
        return np.zeros(len(values))
    least = min(known)
    numbers = np.array([least if value is None else value for value in values], dtype=np.float64)
    deviation = float(numbers.std())
    if deviation < 1e-9:
        return np.zeros(len(values))
    standardised: NDArray[np.float64] = (numbers - numbers.mean()) / deviation
    return standardised
