"""A run in words, for the terminal."""

from collections.abc import Mapping, Sequence
from typing import Any

from evaluation import losses
from evaluation.models import Run
from evaluation.reliability import reliability_as_text
from evaluation.scoring import STAGES

_ORDER = (
    "evidence@5", "ndcg@10", "recall@1", "recall@5", "recall@10", "recall@20", "mrr", "auc",
    "refused", "answered",
)  # fmt: skip
# A database may keep the names of a JSON object in an order of its own.
_COUNTS = ("questions", "answerable", "scored", "degraded")


def run_as_text(run: Run) -> str:
    """Figures with intervals, the difference to the baseline, the stages, and what was lost."""
    metrics: Mapping[str, Any] = run.metrics
    title = run.question_set.name if run.question_set else "golden questions"
    rows = [f"{title}, run {run.pk}, build {run.build_number}, set {run.set_hash[:12]}", ""]
    compared = metrics.get("differences", {})
    found = metrics["figures"]
    rows += [_row(name, found[name], compared.get(name)) for name in _ORDER if name in found]
    rows.append("")
    for stage in STAGES:
        values = metrics["stages"].get(stage, {})
        said = ", ".join(f"{figure} {value:.3f}" for figure, value in sorted(values.items()))
        if said:
            rows.append(f"{stage:10} {said}")
    rows += reliability_as_text(metrics.get("reliability", {}))
    counts = metrics["counts"]
    faults = sorted(set(counts) - set(_COUNTS))
    rows += ["", ", ".join(f"{what} {counts[what]}" for what in (*_COUNTS, *faults))]
    if run.baseline_id:
        rows.append(f"Compared with run {run.baseline_id}: {run.verdict}. {run.reason}")
    return "\n".join([*rows, *_lost(metrics.get("lost", ()))])


def _lost(lost: Sequence[Mapping[str, Any]]) -> list[str]:
    """Each question whose evidence is not there, with its document."""
    found = losses.rows(lost)
    if not found:
        return []
    lines = [
        f"  {one.question}: {f'“{one.document}”. ' if one.document else ''}{one.sentence}"
        for one in found
    ]
    return ["", "Lost evidence:", *lines]


def _row(figure: str, one: Mapping[str, float], difference: Mapping[str, float] | None) -> str:
    said = f"{figure:12}{one['value']:.3f}  [{one['low']:.3f}, {one['high']:.3f}]  n {one['n']}"
    if difference is None:
        return said
    return (
        f"{said}  {difference['value']:+.3f} [{difference['low']:+.3f}, {difference['high']:+.3f}]"
        f"  least {difference['least']:.3f}"
    )


def fit_as_text(figures: Mapping[str, Any]) -> str:
    """What a fit of "not found" does, by what a question is judged by."""
    rows = []
    for name, both in figures.items():
        rows.append(f"{name} (on questions that were left out of the fit)")
        for when in ("before", "after"):
            kept, refused = both[when]["kept"], both[when]["refused"]
            rows.append(
                f"  {when:7} kept {_interval(kept)} of {kept['n']} with an answer, refused "
                f"{_interval(refused)} of {refused['n']} without; AUC {both[when]['auc']:.3f}"
            )
    return "\n".join(rows)


def _interval(share: Mapping[str, float]) -> str:
    return f"{share['value']:.1%} [{share['low']:.1%}, {share['high']:.1%}]"
