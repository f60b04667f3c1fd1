"""Whether answers are as often right as they are sure: predicted against observed.

Answers go into groups by how sure they were; of each group the mean certainty is compared with the
share whose evidence was among the first five passages. The expected calibration error is the mean
distance of the two, each group weighing as many as it has (Naeini, Cooper and Hauskrecht 2015).
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

# Certainties at which a group begins: below the last two lie the words low, medium and high.
EDGES = (0.0, 0.3, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95)
ENOUGH = 30  # answers; fewer say nothing
_Z = 1.96  # standard errors on either side that 95 % lie within


@dataclass(frozen=True)
class Prediction:
    """How sure an answer was, 0..1, and whether it was right."""

    certainty: float
    is_right: bool


@dataclass(frozen=True)
class Group:
    """Answers of like certainty, ``n`` of them; ``low`` and ``high`` bound ``observed``."""

    begins: float
    ends: float
    n: int
    predicted: float
    observed: float
    low: float
    high: float


@dataclass(frozen=True)
class Reliability:
    """Groups that have answers, the least sure first, and the expected calibration error."""

    groups: tuple[Group, ...]
    n: int
    error: float

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def reliability(predictions: Sequence[Prediction]) -> Reliability:
    """Predicted against observed; without predictions there is no group, and the error is 0."""
    groups = []
    for begins, ends in zip(EDGES, (*EDGES[1:], 1.0), strict=True):
        inside = [
            p for p in predictions if begins <= p.certainty < ends or p.certainty == ends == 1
        ]
        if inside:
            groups.append(_group(begins, ends, inside))
    n = len(predictions)
    error = sum(g.n * abs(g.predicted - g.observed) for g in groups) / n if n else 0.0
    return Reliability(tuple(groups), n, error)


def _group(begins: float, ends: float, inside: Sequence[Prediction]) -> Group:
    n = len(inside)
    right = sum(p.is_right for p in inside)
    low, high = wilson(right, n)
    return Group(begins, ends, n, sum(p.certainty for p in inside) / n, right / n, low, high)


def wilson(right: int, n: int) -> tuple[float, float]:
    """The 95 % interval of a share (Wilson 1927), which holds for few questions and at the ends."""
    if not n:
        return 0.0, 1.0
    share, square = right / n, _Z * _Z
    middle = (share + square / (2 * n)) / (1 + square / n)
    half = _Z * math.sqrt(share * (1 - share) / n + square / (4 * n * n)) / (1 + square / n)
    return max(0.0, middle - half), min(1.0, middle + half)


def reliability_as_text(found: Mapping[str, Any], title: str = "") -> list[str]:
    """A line for each group; where there are too few answers, a sentence that says so."""
    if not found:
        return []
    n = found["n"]
    if n < ENOUGH:
        few = f"Reliability: {n} answers; {ENOUGH} are needed to say anything."
        return ["", f"{title}: {few}" if title else few]
    head = f"Reliability{f' of {title}' if title else ''}: {n} answers, "
    rows = ["", f"{head}expected calibration error {found['error']:.3f}"]
    rows.append(f"  {'certainty':14}{'answers':>8}{'predicted':>11}{'observed':>10}   95 %")
    for group in found["groups"]:
        between = f"{group['begins']:.2f} to {group['ends']:.2f}"
        rows.append(
            f"  {between:14}{group['n']:8}{group['predicted']:11.3f}{group['observed']:10.3f}"
            f"   [{group['low']:.3f}, {group['high']:.3f}]"
        )
    return rows
