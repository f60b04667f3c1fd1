"""Whether a text gives orders to an assistant: families of patterns, weighed by a small sum.

The weights are readable (``weights.json``): one number a family, fitted by
``benchmarks/orders_fit.py`` as a logistic regression and nothing else. The same text always gets
the same answer, and the answer names the families that gave it.
"""

import json
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from knowledge.orders.patterns import FAMILIES, WEAK, fold

WEIGHTS = Path(__file__).with_name("weights.json")
WINDOW = 400  # code points; a longer message is looked at sentence by sentence as well
LONGEST_MESSAGE = 20_000  # of a message that is looked at; a longer one is refused elsewhere
MOST_PLACES = 20  # of a document that are told

_PIECE = re.compile(r"[^\n.!?。！？]{1,400}[\n.!?。！？]{0,8}")


@dataclass(frozen=True)
class Verdict:
    """``score`` is between 0 and 1; ``is_order`` where it reaches the fitted line."""

    score: float
    families: tuple[str, ...]
    is_order: bool


@dataclass(frozen=True)
class Place:
    """A place of a text that gives orders: ``text[start:end]``."""

    start: int
    end: int
    verdict: Verdict


@dataclass(frozen=True)
class Weights:
    bias: float
    families: Mapping[str, float]
    line: float  # for messages
    document_line: float  # for sentences of documents, where an order is rare and an alarm costs


@lru_cache(maxsize=1)
def weights() -> Weights:
    stored = json.loads(WEIGHTS.read_text(encoding="utf-8"))
    return Weights(stored["bias"], stored["families"], stored["line"], stored["document_line"])


def judge(text: str) -> Verdict:
    """A message as a whole, and each of its sentences: the highest counts."""
    text = text[:LONGEST_MESSAGE]
    line = weights().line
    parts = [score(text[start:end]) for start, end in pieces(text)] if len(text) > WINDOW else []
    value, families = max([score(text), *parts])
    return Verdict(value, families, value >= line)


def places(text: str, most: int = MOST_PLACES) -> list[Place]:
    """Sentences of a document that give orders, in reading order; linear in the text."""
    found: list[Place] = []
    line = weights().document_line
    for start, end in pieces(text):
        value, families = score(text[start:end])
        if value < line:
            continue
        verdict = Verdict(value, families, is_order=True)
        found.append(Place(start, end, verdict))
        if len(found) >= most:
            break
    return found


def pieces(text: str) -> Iterator[tuple[int, int]]:
    """Start and end of each sentence of a text, or of a part of a long one."""
    for match in _PIECE.finditer(text):
        if len(match.group().strip()) > 5:
            yield match.span()


def score(text: str) -> tuple[float, tuple[str, ...]]:
    """How much a text looks like an order, from 0 to 1, and the families that it shows."""
    families = families_of(text)
    if not any(name not in WEAK for name in families):
        return 0.0, families
    known = weights()
    total = known.bias + sum(known.families.get(name, 0.0) for name in families)
    return 1 / (1 + math.exp(-total)), families


def families_of(text: str) -> tuple[str, ...]:
    """The families whose manner a text shows."""
    seen = fold(text)
    return tuple(name for name, pattern in FAMILIES.items() if pattern.search(seen))
