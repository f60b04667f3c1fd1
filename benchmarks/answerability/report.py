"""What the fitted weights do: kept, refused by kind, and told apart, each set left out once."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from benchmarks.answerability.asking import KINDS, ON_SUBJECT, Example
from benchmarks.answerability.corpora import TOGETHER
from benchmarks.answerability.fitting import Table, fitted, odds_of, table
from knowledge.retrieval.answerability import Variant
from knowledge.retrieval.metrics import auc

SHARE = 0.05
# What is shown: how many of these kinds are refused, but for the first, of which those kept.
COLUMNS = {
    "kept": KINDS[:1],
    "off-topic": ("off-topic",),
    "requests": ("off-topic", ON_SUBJECT),
    **{kind: (kind,) for kind in KINDS[2:]},
}


def without_reader(variant: Variant) -> Variant:
    """A variant that reads, going by the search alone."""
    weights = {**variant.weights, "page": 0.0, "sentence": 0.0}
    return Variant(weights, variant.intercept, variant.lines, variant.slope, variant.offset)


def show(name: str, examples: Sequence[Example], read: int) -> None:
    """A line for each set, unseen by its own fit, one for all of these, and the fit on all."""
    every = table(name, examples, read)
    of_set = np.array([one.of_set for one in every.examples])
    together, whole = every.part(of_set == TOGETHER), every.part(of_set != TOGETHER)
    of_set = of_set[of_set != TOGETHER]
    by = f", {read} passages read" if read else ""
    print(f"\n{name}{by}, {len(whole.examples)} questions; refused by kind at {1 - SHARE:.0%} kept")
    print(f"  {'set':16}" + "".join(f"{k:>12}" for k in COLUMNS) + "   AUC near, taken, off")
    above = np.zeros(len(of_set))  # log-odds above the line, of a fit without the set
    for left_out in sorted(set(of_set)):
        outside = of_set == left_out
        variant = fitted(whole.part(~outside))
        above[outside] = _above(variant, whole.part(outside))
        _line(left_out, above[outside], whole.part(outside))
    _line("each left out", above, whole)
    variant = fitted(whole)
    _line("fitted on all", _above(variant, whole), whole)
    for title, is_whole in (("  whole sets", True), ("  15 documents", False)):
        part = whole.part(np.array([one.group[1] is is_whole for one in whole.examples]))
        _line(title, _above(variant, part), part)
    if together.examples:
        _line("all sets in one", _above(variant, together), together)
    print("  weights", {k: round(v, 3) for k, v in variant.weights.items()})
    print(f"  certainty {variant.slope:.3f} {variant.offset:+.3f}")


def _above(variant: Variant, of: Table) -> Any:
    return odds_of(variant, of) - variant.line(SHARE)


def _line(title: str, above: Any, of: Table) -> None:
    cells = []
    for column, kinds in COLUMNS.items():
        chosen = np.array([one.kind in kinds for one in of.examples])
        if not chosen.any():
            cells.append("–")
            continue
        claimed = _mean_of_groups(above >= 0, chosen, of)
        cells.append(f"{claimed if column == 'kept' else 1 - claimed:.3f}")
    kinds_of = np.array([one.kind for one in of.examples])
    told = [_auc(above, kinds_of, kind) for kind in ("near miss", "taken away", "off-topic")]
    print(f"  {title:16}" + "".join(f"{c:>12}" for c in cells) + "   " + " ".join(told))


def _mean_of_groups(claims: Any, chosen: Any, of: Table) -> float:
    """The share, each set weighing the same, whole and in parts."""
    groups = np.array([f"{name} {is_whole}" for name, is_whole in (e.group for e in of.examples)])
    of_groups = [claims[chosen & (groups == one)].mean() for one in sorted(set(groups[chosen]))]
    return float(np.mean(of_groups))


def _auc(odds: Any, kinds: Any, kind: str) -> str:
    positive, negative = odds[kinds == KINDS[0]], odds[kinds == kind]
    if not len(positive) or not len(negative):
        return "    –"
    return f"{auc(positive.tolist(), negative.tolist()):.3f}"
