"""Whether the documents answer a question at all: signals of a search into a decision.

A logistic regression over what the search shows and, where there is one, what the reader thought
of the first passages. Its weights, and the line for each share of answerable questions that may be
refused, are fitted by ``python -m benchmarks.answerability`` and kept with where they come from in
``answerability.json``; an installation may fit its own on its golden questions.
"""

import json
import math
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any

from knowledge.retrieval.calibration import Features
from knowledge.retrieval.types import RetrievalError

Signals = Mapping[str, float]
SHIPPED = Path(__file__).parent / "answerability.json"
LINE = 0.5  # `Judgement.answerable` from here on is an answer, whatever the share

# What each variant goes by. Cosines are missing where there is no question vector, the reader where
# its weights are not there, it is switched off, or it does not know the question's language.
_BY_MEANING = ("dense", "coverage", "matched", "size")
_BY_WORDS = ("found", "matched", "depth", "size")
_READ = ("page", "sentence")
VARIANTS: Mapping[str, tuple[str, ...]] = {
    "meaning": _BY_MEANING,
    "words": _BY_WORDS,
    "meaning+reader": (*_BY_MEANING, *_READ),
    "words+reader": (*_BY_WORDS, *_READ),
}
# Of more passages some come near to whatever is asked, so that each counts for less. From here on
# a further passage changes little: with a size that goes on growing, a collection of 19,000
# passages refused one in seven of the questions that it answers, three times as many as wanted.
MANY = 3000
SURE = 0.8  # a passage that holds the answer so likely is the last that is read
_CERTAIN = 1e-6  # the reader is never surer than this: a logarithm of 0 would outweigh all the rest


class CalibrationUnusable(RetrievalError):
    """Weights that cannot be used; the message says which."""


@dataclass(frozen=True)
class Read:
    """What the reader thought of one passage, 0..1: of the whole, and of its best sentence."""

    page: float
    sentence: float


@dataclass(frozen=True)
class Judgement:
    """What the signals say.

    ``answerable`` (0..1): from one half on an answer is given. ``certainty`` (0..1): how many of
    such searches, of as many questions with an answer as without one, brought the evidence.
    """

    answerable: float
    certainty: float


@dataclass(frozen=True)
class Variant:
    """Weights by signal, and the line in log-odds for each share that may be refused."""

    weights: Mapping[str, float]
    intercept: float
    lines: tuple[tuple[float, float], ...]  # (share 0..1, log-odds), both rising
    slope: float = 1.0  # log-odds into those of ``certainty``
    offset: float = 0.0

    def log_odds(self, signals: Signals) -> float:
        return self.intercept + sum(weight * signals[name] for name, weight in self.weights.items())

    def line(self, share: float) -> float:
        """The line for a share, between those that were fitted; beyond them the nearest."""
        shares = [known for known, _ in self.lines]
        at = bisect_left(shares, share)
        if at == 0 or at == len(shares):
            return self.lines[min(at, len(shares) - 1)][1]
        (low, below), (high, above) = self.lines[at - 1], self.lines[at]
        return below + (above - below) * (share - low) / (high - low)


@dataclass(frozen=True)
class Answerability:
    """Fitted variants, and where they come from."""

    variants: Mapping[str, Variant]
    provenance: Mapping[str, Any] = field(default_factory=dict)

    def judge(self, signals: Signals, share: float) -> Judgement:
        """Decide, so that this share of answerable questions is refused."""
        name = variant_of(signals)
        variant = self.variants.get(name) or self.variants[name.partition("+")[0]]
        odds = variant.log_odds(signals)
        return Judgement(
            answerable=sigmoid(odds - variant.line(share)),
            certainty=sigmoid(variant.slope * odds + variant.offset),
        )


def as_read(opinions: Iterable[Read], most: int) -> list[Read]:
    """The opinions of the first passages, up to one that is sure; later ones are not asked for."""
    found: list[Read] = []
    for one in islice(opinions, most):
        found.append(one)
        if one.page >= SURE:
            break
    return found


def signals_of(features: Features, read: Sequence[Read] = ()) -> dict[str, float]:
    """What a search shows, by name; the reader's are log-odds of the best passage and sentence."""
    found = {
        "coverage": features.coverage,
        "found": math.log1p(features.found),
        "matched": features.matched,
        "depth": features.depth,
        "size": math.log(min(max(features.passages, 1), MANY)),
    }
    if features.best_dense is not None:
        found["dense"] = features.best_dense
    if read:
        found["page"] = logit(max(one.page for one in read))
        found["sentence"] = logit(max(one.sentence for one in read))
    return found


def variant_of(signals: Signals) -> str:
    """Which weights apply to these signals."""
    by = "meaning" if "dense" in signals else "words"
    return f"{by}+reader" if "page" in signals else by


@cache
def shipped() -> Answerability:
    """What comes with this version."""
    return from_dict(json.loads(SHIPPED.read_text(encoding="utf-8")))


def from_dict(values: Mapping[str, Any]) -> Answerability:
    """Read back what ``as_dict`` wrote; raises CalibrationUnusable."""
    try:
        variants = {name: _variant(values["variants"][name]) for name in VARIANTS}
    except (KeyError, TypeError, ValueError) as error:
        raise CalibrationUnusable(f"The not-found calibration cannot be read: {error}.") from error
    for name, variant in variants.items():
        numbers = [variant.intercept, variant.slope, variant.offset, *variant.weights.values()]
        numbers += [value for line in variant.lines for value in line]
        if set(variant.weights) != set(VARIANTS[name]) or not variant.lines:
            raise CalibrationUnusable(
                f"The not-found calibration goes by other signals than this version in {name}, or "
                "has no lines. Fit it again."
            )
        if not all(map(math.isfinite, numbers)):
            raise CalibrationUnusable(f"The not-found calibration has no number in {name}.")
    return Answerability(variants, values.get("provenance", {}))


def as_dict(fitted: Answerability) -> dict[str, Any]:
    """As JSON, readable: weights by signal, lines by share."""
    return {
        "provenance": dict(fitted.provenance),
        "variants": {
            name: {
                "weights": {signal: round(value, 4) for signal, value in variant.weights.items()},
                "intercept": round(variant.intercept, 4),
                "lines": {f"{share:g}": round(odds, 4) for share, odds in variant.lines},
                "certainty": {
                    "slope": round(variant.slope, 4),
                    "offset": round(variant.offset, 4),
                },
            }
            for name, variant in fitted.variants.items()
        },
    }


def _variant(values: Mapping[str, Any]) -> Variant:
    lines = sorted((float(share), float(odds)) for share, odds in values["lines"].items())
    return Variant(
        weights={str(name): float(weight) for name, weight in values["weights"].items()},
        intercept=float(values["intercept"]),
        lines=tuple(lines),
        slope=float(values["certainty"]["slope"]),
        offset=float(values["certainty"]["offset"]),
    )


def sigmoid(value: float) -> float:
    return 1 / (1 + math.exp(-max(min(value, 60.0), -60.0)))


def logit(share: float) -> float:
    share = min(max(share, _CERTAIN), 1 - _CERTAIN)
    return math.log(share / (1 - share))
