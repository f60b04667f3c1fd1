"""The not-found calibration fitted on an installation's own questions, and what it does.

A few dozen questions cannot say what thousands did, so the fit begins with the shipped weights and
moves away from them as far as the questions insist (a ridge around them). What it does is measured
on questions that were left out of the fit, in turn.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evaluation.reliability import wilson
from knowledge.retrieval.answerability import VARIANTS, Answerability, Signals, Variant
from knowledge.retrieval.metrics import auc
from knowledge.retrieval.regression import fit, quantile

# With 40 answerable questions one in twenty is two of them; of questions that nothing answers a
# dozen would leave the share refused open by half.
ENOUGH_ANSWERABLE, ENOUGH_UNANSWERABLE = 40, 20
SHARES = (0.0, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.5)
_FOLDS = 5
_PULL = 0.25  # of the ridge: weights lie within two of the shipped ones, unless questions insist

Values = NDArray[np.float64]


@dataclass(frozen=True)
class Example:
    """What a search showed of a question, and what it should have said."""

    signals: Signals
    is_answerable: bool
    has_evidence: bool  # among the first five passages


@dataclass(frozen=True)
class Fitted:
    """The variants, those that were fitted anew by name, and figures of before and after."""

    variants: Mapping[str, Variant]
    fitted: tuple[str, ...]
    figures: dict[str, Any]


def is_enough(examples: Sequence[Example]) -> bool:
    """Whether so many of each kind can be fitted on."""
    answerable = sum(one.is_answerable for one in examples)
    return answerable >= ENOUGH_ANSWERABLE and len(examples) - answerable >= ENOUGH_UNANSWERABLE


def refit(examples: Sequence[Example], shipped: Answerability, share: float) -> Fitted:
    """Fit the variants that have enough examples; the others stay as they were shipped.

    Args:
        examples: enough of them; see ``is_enough``.
        shipped: what is begun with, and compared with.
        share: of answerable questions that may be refused.
    """
    variants = dict(shipped.variants)
    figures: dict[str, Any] = {}
    done = []
    for name, columns in VARIANTS.items():
        having = [one for one in examples if all(column in one.signals for column in columns)]
        if not is_enough(having):
            continue
        before = shipped.variants[name]
        variants[name] = _fit(name, having, before, _out_of_fold(name, having, before))
        done.append(name)
        figures[name] = _figures(name, having, before, share)
    return Fitted(variants, tuple(done), figures)


def _fit(
    name: str, examples: Sequence[Example], before: Variant, odds: Values | None = None
) -> Variant:
    """One variant; its lines and certainty go by ``odds``, of examples that it has not seen."""
    inputs, labels, weights = _columns(name, examples)
    prior = [*(before.weights[column] for column in VARIANTS[name]), before.intercept]
    beta = fit(inputs, labels, weights, prior, _PULL)
    if odds is None:
        odds = inputs @ beta[:-1] + beta[-1]
    kept = labels == 1
    lines = tuple((share, quantile(odds[kept], weights[kept], share)) for share in SHARES)
    evidence = np.array([float(e.is_answerable and e.has_evidence) for e in examples])
    slope, offset = fit(odds[:, None], evidence, weights, [before.slope, before.offset], _PULL)
    named = dict(zip(VARIANTS[name], map(float, beta[:-1]), strict=True))
    return Variant(named, float(beta[-1]), lines, float(slope), float(offset))


def _out_of_fold(name: str, examples: Sequence[Example], before: Variant) -> Values:
    """The log-odds of each example by a fit on the others; shape (n,)."""
    odds = np.zeros(len(examples))
    for inside, outside in _folds(examples):
        variant = _fit(name, [examples[at] for at in inside], before)
        odds[outside] = [variant.log_odds(examples[at].signals) for at in outside]
    return odds


def _figures(
    name: str, examples: Sequence[Example], before: Variant, share: float
) -> dict[str, Any]:
    """Kept and refused with the line of before, and with lines of fits that left each out."""
    old = np.array([before.log_odds(one.signals) for one in examples])
    new, claims = np.zeros(len(examples)), np.zeros(len(examples), dtype=bool)
    for inside, outside in _folds(examples):
        variant = _fit(name, [examples[at] for at in inside], before)
        new[outside] = [variant.log_odds(examples[at].signals) for at in outside]
        claims[outside] = new[outside] >= variant.line(share)
    labels = np.array([one.is_answerable for one in examples])
    return {
        "before": _shares(labels, old, old >= before.line(share)),
        "after": _shares(labels, new, claims),
    }


def _shares(labels: Any, odds: Values, claims: Any) -> dict[str, Any]:
    kept, refused = int(claims[labels].sum()), int((~claims[~labels]).sum())
    return {
        "kept": _share(kept, int(labels.sum())),
        "refused": _share(refused, int((~labels).sum())),
        "auc": auc(odds[labels].tolist(), odds[~labels].tolist()),
    }


def _share(count: int, n: int) -> dict[str, float]:
    low, high = wilson(count, n)
    return {"value": count / n, "low": low, "high": high, "n": n}


def _folds(examples: Sequence[Example]) -> list[tuple[list[int], list[int]]]:
    """Each kind dealt out in turn, so that every fold has its share of both."""
    fold_of = {}
    for kind in (True, False):
        of_kind = [at for at, one in enumerate(examples) if one.is_answerable is kind]
        fold_of.update({at: place % _FOLDS for place, at in enumerate(of_kind)})
    return [
        (
            [at for at in range(len(examples)) if fold_of[at] != fold],
            [at for at in range(len(examples)) if fold_of[at] == fold],
        )
        for fold in range(_FOLDS)
    ]


def _columns(name: str, examples: Sequence[Example]) -> tuple[Values, Values, Values]:
    """Signals (n, d), labels and weights (n,); both kinds weigh the same."""
    inputs = np.array([[one.signals[column] for column in VARIANTS[name]] for one in examples])
    labels = np.array([float(one.is_answerable) for one in examples])
    half = len(examples) / 2
    weights = np.where(labels == 1, half / labels.sum(), half / (len(labels) - labels.sum()))
    return inputs, labels, weights
