"""How sure a figure is: bootstrap intervals of means, of paired differences and of an AUC.

Questions are drawn again with replacement within their strata (kinds, sets), 10,000 times with a
fixed seed; the interval holds the middle 95 % of what comes out (Efron's percentile method).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from knowledge.retrieval.metrics import auc

Values = NDArray[np.float64]
Places = NDArray[np.int64]

RESAMPLES = 10_000
SEED = 7
_BATCH_CELLS = 2_000_000  # resamples times questions at a time: 16 MB of numbers
_Z = 1.96  # standard errors on either side of a mean that 95 % lie within


class NotANumber(ValueError):
    """A figure is NaN or infinite: something is wrong, and no mean may hide it."""


@dataclass(frozen=True)
class Interval:
    """A figure with the bounds of its 95 % interval, of ``n`` questions."""

    value: float
    low: float
    high: float
    n: int

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class Difference(Interval):
    """A candidate's mean less a baseline's on the same questions.

    ``least`` is the least difference that so many questions can tell from none.
    """

    least: float

    @property
    def is_better(self) -> bool:
        return self.low > 0

    @property
    def is_worse(self) -> bool:
        return self.high < 0


def mean_intervals(
    columns: Mapping[str, Sequence[float]], strata: Sequence[str], seed: int = SEED
) -> dict[str, Interval]:
    """The mean of each column with its interval; all columns and ``strata`` have one length."""
    if not columns or not len(strata):
        return {}
    values = np.column_stack([_finite(name, column) for name, column in columns.items()])
    low, high = _bounds(_resampled_means(values, strata, seed))
    means = values.mean(axis=0)
    return {
        name: Interval(float(means[at]), float(low[at]), float(high[at]), len(values))
        for at, name in enumerate(columns)
    }


def paired_differences(
    candidate: Mapping[str, Sequence[float]],
    baseline: Mapping[str, Sequence[float]],
    strata: Sequence[str],
    seed: int = SEED,
) -> dict[str, Difference]:
    """For each column that both have, the mean difference of the same questions."""
    names = [name for name in candidate if name in baseline]
    differences = {
        name: _finite(name, candidate[name]) - _finite(name, baseline[name]) for name in names
    }
    found = mean_intervals({name: list(d) for name, d in differences.items()}, strata, seed)
    return {
        name: Difference(**interval.as_dict(), least=least_difference(differences[name], strata))
        for name, interval in found.items()
    }


def least_difference(differences: Values, strata: Sequence[str]) -> float:
    """What a mean difference must pass for 95 % of samples of this size to show it.

    1.96 standard errors; where (almost) no question changed, three in so many may still do so
    unseen (the rule of three), so that no change in five questions proves nothing.
    """
    n = len(differences)
    if not n:
        return 1.0
    within = sum(
        float(((differences[places] - differences[places].mean()) ** 2).sum())
        for places in _places(strata).values()
    )
    return min(1.0, max(_Z * float(np.sqrt(within)) / n, 3 / n))


def auc_interval(
    positive: Sequence[float], negative: Sequence[float], seed: int = SEED
) -> Interval | None:
    """The AUC of scores of two kinds; None where one kind is missing."""
    if not len(positive) or not len(negative):
        return None
    above, below = _finite("score", positive), np.sort(_finite("score", negative))
    left = np.searchsorted(below, above, side="left")
    right = np.searchsorted(below, above, side="right")
    found = []
    rng = np.random.default_rng(seed)
    for size in _batches(len(above) + len(below)):
        of_above, of_below = _counts(rng, size, len(above)), _counts(rng, size, len(below))
        sums = np.concatenate([np.zeros((size, 1)), of_below.cumsum(axis=1)], axis=1)
        found.append((of_above * (sums[:, left] + sums[:, right]) / 2).sum(axis=1))
    shares = np.concatenate(found) / (len(above) * len(below))
    low, high = np.quantile(shares, [0.025, 0.975])
    return Interval(
        auc(list(positive), list(negative)), float(low), float(high), len(above) + len(below)
    )


def _finite(name: str, column: Sequence[float] | Values) -> Values:
    values = np.asarray(column, dtype=np.float64)
    if not np.isfinite(values).all():
        raise NotANumber(f"{name} of question {int(np.argmin(np.isfinite(values))) + 1}")
    return values


def _resampled_means(values: Values, strata: Sequence[str], seed: int) -> Values:
    """Shape (RESAMPLES, columns)."""
    rng = np.random.default_rng(seed)
    places = list(_places(strata).values())
    found = []
    for size in _batches(len(values)):
        total = np.zeros((size, values.shape[1]))
        for of_stratum in places:
            total += _counts(rng, size, len(of_stratum)) @ values[of_stratum]
        found.append(total / len(values))
    means: Values = np.concatenate(found)
    return means


def _places(strata: Sequence[str]) -> dict[str, Places]:
    by_name: dict[str, list[int]] = {}
    for at, name in enumerate(strata):
        by_name.setdefault(name, []).append(at)
    return {name: np.array(places) for name, places in sorted(by_name.items())}


def _batches(columns: int) -> Iterator[int]:
    most = max(1, _BATCH_CELLS // max(columns, 1))
    for start in range(0, RESAMPLES, most):
        yield min(most, RESAMPLES - start)


def _counts(rng: np.random.Generator, size: int, n: int) -> Values:
    """How often each of n is drawn in n draws, ``size`` times: shape (size, n)."""
    drawn = rng.integers(0, n, size=(size, n)) + n * np.arange(size)[:, None]
    counted: Values = np.bincount(drawn.ravel(), minlength=size * n).astype(np.float64)
    return counted.reshape(size, n)


def _bounds(means: Values) -> tuple[Values, Values]:
    low, high = np.quantile(means, [0.025, 0.975], axis=0)
    return low, high
