"""Weights, lines and certainty of a variant, from examples."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks.answerability.asking import Example
from knowledge.retrieval.answerability import VARIANTS, Variant, as_read, signals_of
from knowledge.retrieval.regression import fit, quantile

# How much a kind that nothing answers weighs: most of what is asked in vain has nothing to do with
# the documents, and who is told something all the same trusts nothing any more.
KIND_WEIGHTS = {"off-topic": 3.0, "other sets": 3.0, "near miss": 1.0, "taken away": 1.0}
SHARES = (0.0, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.5)


@dataclass(frozen=True)
class Table:
    """Examples as numbers: signals by column, labels, weights."""

    name: str
    examples: tuple[Example, ...]
    inputs: Any  # (n, signals)
    labels: Any  # 1.0 answerable
    weights: Any

    def part(self, mask: Any) -> "Table":
        """The examples for which the mask, shape (n,), says so."""
        mask = np.asarray(mask)
        chosen = tuple(e for e, is_in in zip(self.examples, mask, strict=True) if is_in)
        return table(self.name, chosen, read=0, inputs=self.inputs[mask])


def table(name: str, examples: Sequence[Example], read: int, inputs: Any = None) -> Table:
    """The examples that a variant is for; the reader's opinion is of the first ``read`` pages."""
    if inputs is None:
        examples = [one for one in examples if _is_for(name, one, read)]
        found = [signals_of(one.features, as_read(one.read, read)) for one in examples]
        inputs = np.array([[signals[column] for column in VARIANTS[name]] for signals in found])
    labels = np.array([float(one.is_answerable) for one in examples])
    return Table(name, tuple(examples), inputs, labels, balanced(examples))


def _is_for(name: str, one: Example, read: int) -> bool:
    """Passages are read once: what was read for a question's meaning serves for its words too."""
    if name.endswith("+reader"):
        return bool(one.read[:read])
    return name == ("meaning" if one.features.best_dense is not None else "words")


def balanced(examples: Sequence[Example]) -> Any:
    """Every set weighs the same, whole and in parts, in it answerable and not, kinds as said."""
    counts = Counter((one.group, one.kind) for one in examples)
    of_kinds = {
        group: sum(w for kind, w in KIND_WEIGHTS.items() if (group, kind) in counts)
        for group, _ in counts
    }
    return np.array(
        [
            100.0
            / counts[e.group, e.kind]
            * (1.0 if e.is_answerable else KIND_WEIGHTS.get(e.kind, 0.0) / of_kinds[e.group])
            for e in examples
        ]
    )


def fitted(of: Table) -> Variant:
    """The variant of a table."""
    beta = _rising(of)
    odds = of.inputs @ beta[:-1] + beta[-1]
    kept = of.labels == 1
    lines = tuple((share, float(quantile(odds[kept], of.weights[kept], share))) for share in SHARES)
    evidence = np.array([float(e.is_answerable and e.has_evidence) for e in of.examples])
    slope, offset = fit(odds[:, None], evidence, of.weights)
    return Variant(
        weights=dict(zip(VARIANTS[of.name], map(float, beta[:-1]), strict=True)),
        intercept=float(beta[-1]),
        lines=lines,
        slope=float(slope),
        offset=float(offset),
    )


def _rising(of: Table) -> Any:
    """The fit with no weight below 0, but for the size's: more likeness is never less likely."""
    used = [True] * of.inputs.shape[1]
    while True:
        beta = np.zeros(len(used) + 1)
        beta[[*used, True]] = fit(of.inputs[:, used], of.labels, of.weights)
        falling = [
            at for at, name in enumerate(VARIANTS[of.name]) if beta[at] < 0 and name != "size"
        ]
        if not falling:
            return beta
        used[min(falling, key=lambda at: beta[at])] = False


def odds_of(variant: Variant, of: Table) -> Any:
    weights = np.array([variant.weights[name] for name in VARIANTS[of.name]])
    return of.inputs @ weights + variant.intercept
