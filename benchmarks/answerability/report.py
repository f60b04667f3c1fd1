"""What the fitted weights do: kept, refused by kind, and told apart, each set left out once."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from benchmarks.answerability.asking import KINDS, Example
from benchmarks.answerability.fitting import Table, fitted, odds_of, table
from knowledge.retrieval.answerability import Variant
from knowledge.retrieval.metrics import auc

SHARE = 0.05


def without_reader(variant: Variant) -> Variant:
    """A variant that reads, going by the search alone."""
    weights = {**variant.weights, "page": 0.0, "sentence": 0.0}
    return Variant(weights, variant.intercept, variant.lines, variant.slope, variant.offset)


def show(name: str, examples: Sequence[Example], read: int) -> None:
    """A line for each set, unseen by its own fit, and one for the fit on all."""
    whole = table(name, examples, read)
    of_set = np.array([one.corpus.split("/")[0] for one in whole.examples])
    by = f", {read} passages read" if read else ""
    print(f"\n{name}{by}, {len(whole.examples)} questions; refused by kind at {1 - SHARE:.0%} kept")
    print(f"  {'set':16}{'kept':>8}" + "".join(f"{k:>13}" for k in KINDS[1:]) + "   AUC near miss")
    for left_out in sorted(set(of_set)):
        variant = fitted(_part(whole, of_set != left_out))
        _line(left_out, variant, _part(whole, of_set == left_out))
    _line("fitted on all", fitted(whole), whole)
    _line(
        "  whole sets",
        fitted(whole),
        _part(whole, [e.corpus.endswith("/all") for e in whole.examples]),
    )
    variant = fitted(whole)
    print("  weights", {k: round(v, 3) for k, v in variant.weights.items()})
    print(f"  certainty {variant.slope:.3f} {variant.offset:+.3f}")


def _part(whole: Table, mask: Any) -> Table:
    return whole.part(np.asarray(mask))


def _line(title: str, variant: Variant, of: Table) -> None:
    odds = odds_of(variant, of)
    kinds = np.array([one.kind for one in of.examples])
    claims = odds >= variant.line(SHARE)
    cells = []
    for kind in KINDS:
        chosen = kinds == kind
        if not chosen.any():
            cells.append("–")
            continue
        share = np.average(claims[chosen], weights=of.weights[chosen])
        cells.append(f"{share if kind == KINDS[0] else 1 - share:.3f}")
    near = [f"{_auc(odds, kinds, kind)}" for kind in ("near miss", "taken away", "off-topic")]
    print(
        f"  {title:16}{cells[0]:>8}"
        + "".join(f"{c:>13}" for c in cells[1:])
        + "   "
        + " ".join(near)
    )


def _auc(odds: Any, kinds: Any, kind: str) -> str:
    positive, negative = odds[kinds == KINDS[0]], odds[kinds == kind]
    if not len(positive) or not len(negative):
        return "    –"
    return f"{auc(positive.tolist(), negative.tolist()):.3f}"
