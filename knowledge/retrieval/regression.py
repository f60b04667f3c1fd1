"""A small logistic regression, for weights that are fitted from questions."""

from typing import Any

import numpy as np

_STEPS = 100  # Newton's method needs about ten
_SMALL = 1e-8
_FARTHEST = 30.0  # log-odds that a chance is still told from 0 or 1


def fit(inputs: Any, labels: Any, weights: Any, prior: Any = None, ridge: float = 1e-3) -> Any:
    """Weighted logistic regression with a ridge, by Newton's method.

    Args:
        inputs: shape (n, d).
        labels: 0 or 1 each, shape (n,).
        weights: of the examples, shape (n,).
        prior: weights that the ridge draws towards, intercept last, shape (d + 1,); by default 0,
            and then the intercept is free.
        ridge: how strongly, in weights of examples.

    Returns:
        The weights, intercept last, shape (d + 1,).
    """
    design = np.column_stack([inputs, np.ones(len(inputs))])
    towards = np.zeros(design.shape[1]) if prior is None else np.asarray(prior, dtype=np.float64)
    pull = np.full(design.shape[1], ridge)
    if prior is None:
        pull[-1] = 0.0
    beta = towards.copy()
    for _ in range(_STEPS):
        chance = 1 / (1 + np.exp(-np.clip(design @ beta, -_FARTHEST, _FARTHEST)))
        gradient = design.T @ (weights * (labels - chance)) - pull * (beta - towards)
        spread = weights * np.maximum(chance * (1 - chance), _SMALL)
        curvature = (design * spread[:, None]).T @ design + np.diag(pull + _SMALL)
        step = np.linalg.solve(curvature, gradient)
        beta = beta + step
        if np.abs(step).max() < _SMALL:
            break
    return beta


def quantile(values: Any, weights: Any, share: float) -> float:
    """The value below which this share of the weight lies; a value equal to it lies above."""
    order = np.argsort(values)
    below = np.cumsum(weights[order]) / weights.sum()
    at = int(np.searchsorted(below, share, side="right"))
    return float(values[order][min(at, len(order) - 1)])
