"""Figures into a chance that a sentence is supported, by weights that a person can read.

The weights are in ``weights.json`` with how they were fitted; ``benchmarks/fit_support.py`` writes
them. The cosines are all-MiniLM-L6-v2's: for another embedding model fit them again.
"""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from chat.generation.support.figures import NAMES, WITH_MEANING

FILE = Path(__file__).with_name("weights.json")


@dataclass(frozen=True)
class Weights:
    """A logistic regression and its two lines: in between, one cannot tell."""

    names: tuple[str, ...]
    weights: tuple[float, ...]
    intercept: float
    supported_from: float
    unsupported_below: float

    def chance(self, figures: Sequence[float]) -> float:
        """0..1; figures in the order of ``names``."""
        pairs = zip(self.weights, figures, strict=True)
        value = self.intercept + sum(weight * figure for weight, figure in pairs)
        return 1.0 / (1.0 + math.exp(-max(-30.0, min(30.0, value))))


@cache
def by_words() -> Weights:
    """Where there is no embedding model, or where it is not needed to be sure."""
    return _read("by_words", NAMES)


@cache
def with_meaning() -> Weights:
    return _read("with_meaning", WITH_MEANING)


def _read(title: str, names: tuple[str, ...]) -> Weights:
    stored: Mapping[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))[title]
    return Weights(
        names=names,
        weights=tuple(float(stored["weights"][name]) for name in names),
        intercept=float(stored["intercept"]),
        supported_from=float(stored["supported_from"]),
        unsupported_below=float(stored["unsupported_below"]),
    )
