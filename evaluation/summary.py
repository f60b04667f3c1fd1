"""The results of many questions into figures with intervals, and two runs into a difference."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from evaluation.intervals import (
    SEED,
    Difference,
    Interval,
    auc_interval,
    mean_intervals,
    paired_differences,
)
from evaluation.metrics import NAMES
from evaluation.reliability import Prediction, reliability

EVIDENCE = "evidence@5"
PRIMARY = (EVIDENCE, "ndcg@10")  # what a gate looks at, the first with the margin of the settings


@dataclass(frozen=True)
class Line:
    """What one question brought, as the figures need it."""

    key: str  # the same question has the same in both runs
    stratum: str  # its kind, or its set
    is_answerable: bool
    metrics: Mapping[str, float] = field(default_factory=dict)
    stages: Mapping[str, Mapping[str, float | None]] = field(default_factory=dict)
    answerable: float = 0.0  # the search's own score
    claims: bool = False  # whether that is above the threshold
    certainty: float | None = None  # 0..1: how sure it is that the evidence is there
    fault: str = ""
    latency: Mapping[str, float] = field(default_factory=dict)
    is_degraded: bool = False  # a stage could not be used


def figures(lines: Sequence[Line], seed: int = SEED) -> dict[str, Interval]:
    """The mean of each figure with its interval, and the AUC where there are both kinds.

    Raises:
        NotANumber: a figure is NaN; it is no score.
    """
    found: dict[str, Interval] = {}
    for names in (tuple(n for n in NAMES if n != EVIDENCE), (EVIDENCE,)):
        having = [line for line in lines if names[0] in line.metrics]
        columns = {name: [line.metrics[name] for line in having] for name in names}
        found.update(mean_intervals(columns, [line.stratum for line in having], seed))
    scored = [line for line in lines if not line.is_answerable or line.metrics]
    auc = auc_interval(
        [line.answerable for line in scored if line.is_answerable],
        [line.answerable for line in scored if not line.is_answerable],
        seed,
    )
    if auc is not None:
        found["auc"] = auc
    for name, kind in (("refused", True), ("answered", False)):
        of_kind = [line for line in scored if line.is_answerable is kind]
        shares = {name: [float(line.claims is not kind) for line in of_kind]}
        found.update(mean_intervals(shares, [line.stratum for line in of_kind], seed))
    return found


def stage_figures(lines: Iterable[Line]) -> dict[str, dict[str, float]]:
    """The means of each stage's own ranking."""
    by_stage: dict[str, dict[str, list[float]]] = {}
    for line in lines:
        for stage, values in line.stages.items():
            columns = by_stage.setdefault(stage, {})
            for name, value in values.items():
                if name in NAMES and value is not None:
                    columns.setdefault(name, []).append(value)
    return {
        stage: {name: float(np.mean(column)) for name, column in columns.items()}
        for stage, columns in by_stage.items()
    }


def differences(
    candidate: Sequence[Line],
    baseline: Sequence[Line],
    names: Sequence[str] = NAMES,
    seed: int = SEED,
) -> dict[str, Difference]:
    """Candidate less baseline for each figure, over the questions that both have it of."""
    before = {line.key: line for line in baseline}
    found: dict[str, Difference] = {}
    for name in names:
        pairs = [
            (line, before[line.key])
            for line in candidate
            if line.key in before
            if name in line.metrics and name in before[line.key].metrics
        ]
        found.update(
            paired_differences(
                {name: [now.metrics[name] for now, _ in pairs]},
                {name: [then.metrics[name] for _, then in pairs]},
                [now.stratum for now, _ in pairs],
                seed,
            )
        )
    return found


def counts(lines: Sequence[Line]) -> dict[str, int]:
    """How many questions there were of what, and how many went wrong in which way."""
    faults = Counter(line.fault for line in lines if line.fault)
    return {
        "questions": len(lines),
        "answerable": sum(line.is_answerable for line in lines),
        "scored": sum(bool(line.metrics) for line in lines),
        "degraded": sum(line.is_degraded for line in lines),
        **dict(sorted(faults.items())),
    }


def latencies(lines: Iterable[Line]) -> dict[str, dict[str, float]]:
    """Median and 95th percentile of each stage, in ms."""
    by_stage: dict[str, list[float]] = {}
    for line in lines:
        for stage, milliseconds in line.latency.items():
            by_stage.setdefault(stage, []).append(milliseconds)
    return {
        stage: {"p50": float(np.quantile(ms, 0.5)), "p95": float(np.quantile(ms, 0.95))}
        for stage, ms in by_stage.items()
    }


def predictions(lines: Iterable[Line]) -> list[Prediction]:
    """How sure each answer was, and whether its evidence was there; refusals predict nothing."""
    return [
        Prediction(line.certainty, bool(line.metrics.get(EVIDENCE)))
        for line in lines
        if line.claims and line.certainty is not None
        if not line.is_answerable or EVIDENCE in line.metrics
    ]


def report(lines: Sequence[Line], seed: int = SEED) -> dict[str, Any]:
    """All of it, ready for JSON."""
    return {
        "figures": {name: one.as_dict() for name, one in figures(lines, seed).items()},
        "stages": stage_figures(lines),
        "counts": counts(lines),
        "latency": latencies(lines),
        "reliability": reliability(predictions(lines)).as_dict(),
    }
