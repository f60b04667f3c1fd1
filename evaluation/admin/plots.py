"""Figures of a run as places on a drawing; a template draws them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from evaluation.reliability import ENOUGH

# The drawing is 360 by 320 units: a square of 0 to 1 with room for what stands beside it.
LEFT, TOP, SIDE = 48, 16, 256
_TICKS = (0.0, 0.25, 0.5, 0.75, 1.0)
_SMALLEST, _LARGEST = 3.0, 9.0  # radii: the area says how many answers


@dataclass(frozen=True)
class Point:
    """A group of answers; ``low`` and ``high`` are the ends of its interval."""

    x: float
    y: float
    low: float
    high: float
    radius: float
    between: str
    n: int
    predicted: float
    observed: float
    lowest: float
    highest: float


@dataclass(frozen=True)
class Drawn:
    """A reliability plot; ``is_enough`` where there are answers enough to show it."""

    points: tuple[Point, ...]
    ticks: tuple[tuple[float, float, str], ...]  # along x, along y, what is written
    n: int
    error: float
    is_enough: bool


def drawn(found: Mapping[str, Any]) -> Drawn:
    """A run's reliability, or an empty plot for a run from before there was one."""
    n = found.get("n", 0)
    most = max((group["n"] for group in found.get("groups", ())), default=1)
    return Drawn(
        points=tuple(_point(group, most) for group in found.get("groups", ())),
        ticks=tuple((_x(tick), _y(tick), f"{tick:.0%}") for tick in _TICKS),
        n=n,
        error=found.get("error", 0.0),
        is_enough=n >= ENOUGH,
    )


def _point(group: Mapping[str, Any], most: int) -> Point:
    share: float = group["n"] / most
    return Point(
        x=_x(group["predicted"]),
        y=_y(group["observed"]),
        low=_y(group["low"]),
        high=_y(group["high"]),
        radius=round(_SMALLEST + (_LARGEST - _SMALLEST) * share**0.5, 1),
        between=f"{group['begins']:.0%} to {group['ends']:.0%}",
        n=group["n"],
        predicted=100 * group["predicted"],
        observed=100 * group["observed"],
        lowest=100 * group["low"],
        highest=100 * group["high"],
    )


def _x(value: float) -> float:
    return round(LEFT + SIDE * value, 1)


def _y(value: float) -> float:
    return round(TOP + SIDE * (1 - value), 1)
