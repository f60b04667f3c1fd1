"""The lines of all sets into tables: each method's figures, and the product against each other."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from evaluation.intervals import Difference, Interval, auc_interval, mean_intervals
from evaluation.metrics import NAMES
from evaluation.public.methods import METHODS, PRODUCT, READ
from evaluation.reliability import Prediction, reliability, reliability_as_text
from evaluation.summary import EVIDENCE, Line, differences

SHOWN = ("ndcg@10", "recall@5", EVIDENCE, "recall@1")
COMPARED = ("ndcg@10", "recall@5", EVIDENCE)
POOLED = "all sets"


def groups(lines: Sequence[Mapping[str, Any]]) -> dict[str, list[Mapping[str, Any]]]:
    """The lines of each variant, and those of all main variants together."""
    found: dict[str, list[Mapping[str, Any]]] = {}
    for line in lines:
        found.setdefault(line["variant"], []).append(line)
    main = [line for line in lines if line["is_main"]]
    if len({line["set"] for line in main}) > 1:
        found[POOLED] = main
    return found


def figures_of(lines: Sequence[Mapping[str, Any]], method: str) -> dict[str, Interval]:
    """A method's figures over some lines; AUC not across sets, whose scores differ."""
    of_method = [_line(line, method) for line in lines if method in line["methods"]]
    found: dict[str, Interval] = {}
    for name in NAMES:
        having = [line for line in of_method if name in line.metrics]
        column = {name: [line.metrics[name] for line in having]}
        found.update(mean_intervals(column, [line.stratum for line in having]))
    auc = auc_interval(
        [line.answerable for line in of_method if line.is_answerable],
        [line.answerable for line in of_method if not line.is_answerable],
    )
    if auc is not None and len({line["set"] for line in lines}) == 1:
        found["auc"] = auc
    return found


def against(lines: Sequence[Mapping[str, Any]], method: str) -> dict[str, Difference]:
    """The product less another method, on the same questions."""
    ours = [_line(line, PRODUCT) for line in lines if PRODUCT in line["methods"]]
    theirs = [_line(line, method) for line in lines if method in line["methods"]]
    return differences(ours, theirs, COMPARED)


def summary(lines: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Everything, ready for JSON: by group, by method."""
    methods = [m for m in (*METHODS, *READ) if any(m in line["methods"] for line in lines)]
    found: dict[str, Any] = {}
    for name, of_group in groups(lines).items():
        compared = [m for m in methods if m != PRODUCT and PRODUCT in methods]
        found[name] = {
            "n": len(of_group),
            "methods": {m: _dicts(figures_of(of_group, m)) for m in methods},
            "differences": {m: _dicts(against(of_group, m)) for m in compared},
            **product_facts(of_group),
        }
    return found


def product_facts(lines: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """What is said of the product alone: its threshold, what it lost where, its time."""
    answerable = [line for line in lines if line["is_answerable"]]
    others = [line for line in lines if not line["is_answerable"]]
    milliseconds = [line["ms"] for line in lines]
    return {
        "refused": _share(not line["claims"] for line in answerable),
        "answered": _share(bool(line["claims"]) for line in others),
        "faults": dict(sorted(Counter(line["fault"] for line in lines if line["fault"]).items())),
        "reliability": reliability(_predictions(lines)).as_dict(),
        "degraded": sum(bool(line["degraded"]) for line in lines),
        "p50_ms": float(np.quantile(milliseconds, 0.5)),
        "p95_ms": float(np.quantile(milliseconds, 0.95)),
    }


def table(found: Mapping[str, Any]) -> str:
    """The summary as text: a line for each method of each group, then the differences."""
    rows = [f"{'set':26}{'method':11}{'n':>6}" + "".join(f"{n:>22}" for n in (*SHOWN, "auc"))]
    for name, group in found.items():
        for method, values in group["methods"].items():
            n = max((one["n"] for m, one in values.items() if m in NAMES), default=0)
            cells = "".join(f"{_cell(values.get(figure)):>22}" for figure in (*SHOWN, "auc"))
            rows.append(f"{name:26}{method:11}{n:6}{cells}")
    rows += ["", f"{'product less':37}{'n':>6}" + "".join(f"{n:>26}" for n in COMPARED)]
    for name, group in found.items():
        for method, values in group["differences"].items():
            n = max((one["n"] for one in values.values()), default=0)
            cells = "".join(f"{_difference(values.get(figure)):>26}" for figure in COMPARED)
            rows.append(f"{name:26}{method:11}{n:6}{cells}")
    rows += [
        "",
        "* the 95 % interval does not hold 0; nothing below the least difference shows.",
        "",
    ]
    rows += [_facts(name, group) for name, group in found.items()]
    for name, group in found.items():
        rows += reliability_as_text(group.get("reliability", {}), name)
    return "\n".join(rows)


def _facts(name: str, group: Mapping[str, Any]) -> str:
    alone = f"; by words alone {group['degraded']}" if group["degraded"] else ""
    faults = ", ".join(f"{fault} {count}" for fault, count in group["faults"].items()) or "none"
    shares = f"answerable refused {_percent(group['refused'])}"
    if group["answered"] is not None:
        shares += f", unanswerable answered {_percent(group['answered'])}"
    least = max((v["ndcg@10"]["least"] for v in group["differences"].values() if v), default=0.0)
    return (
        f"{name}: {shares}; faults: {faults}; search p50 {group['p50_ms']:.1f} ms, "
        f"p95 {group['p95_ms']:.1f} ms; least nDCG difference {least:.3f}{alone}"
    )


def _predictions(lines: Sequence[Mapping[str, Any]]) -> list[Prediction]:
    """How sure the answers were, and whether the evidence was there."""
    having = [
        (
            line,
            line["methods"]
            .get(PRODUCT, {})
            .get(EVIDENCE, 0.0 if not line["is_answerable"] else None),
        )
        for line in lines
        if line["claims"] and line.get("certainty") is not None
    ]
    return [
        Prediction(line["certainty"], bool(shown)) for line, shown in having if shown is not None
    ]


def _line(line: Mapping[str, Any], method: str) -> Line:
    values = line["methods"][method]
    return Line(
        key=f"{line['variant']}/{line['key']}",
        stratum=f"{line['set']}/{line['kind']}",
        is_answerable=line["is_answerable"],
        metrics={name: values[name] for name in NAMES if name in values},
        answerable=values["score"],
    )


def _dicts(found: Mapping[str, Interval]) -> dict[str, Any]:
    return {name: one.as_dict() for name, one in found.items()}


def _share(values: Any) -> float | None:
    kept = list(values)
    return float(np.mean(kept)) if kept else None


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{share:.1%}"


def _cell(one: Mapping[str, float] | None) -> str:
    return f"{one['value']:.3f} [{one['low']:.3f}, {one['high']:.3f}]" if one else "–"


def _difference(one: Mapping[str, float] | None) -> str:
    if not one:
        return "–"
    mark = "*" if one["low"] > 0 or one["high"] < 0 else " "
    return f"{one['value']:+.3f} [{one['low']:+.3f}, {one['high']:+.3f}]{mark}"
