"""The figures of a run as a table, and as ratios against Footnote's."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from math import isnan
from typing import Any

NONE = float("nan")


@dataclass
class Figures:
    """What the processes of one candidate told."""

    name: str
    is_hybrid: bool
    values: dict[str, Any] = field(default_factory=dict)
    loads: dict[int, dict[str, float]] = field(default_factory=dict)
    problem: str = ""

    def take(self, told: dict[str, Any]) -> None:
        if "load" in told:
            self.loads[told["load"]["callers"]] = told["load"]
        else:
            self.values.update(told)

    def add(self, other: "Figures") -> None:
        self.values.update(other.values)
        self.problem = self.problem or other.problem

    def of_load(self, callers: int, name: str) -> float:
        return self.loads.get(callers, {}).get(name, NONE)

    def build(self, name: str = "seconds") -> float:
        return float(self.values.get("build", {}).get(name, NONE))

    def ingest_cpu(self) -> float:
        """CPU milliseconds a passage."""
        told = self.values.get("ingest")
        return told["cpu"] * 1000 / told["passages"] if told else NONE

    def ingest_rate(self) -> float:
        told = self.values.get("ingest")
        return told["passages"] / told["seconds"] if told else NONE

    def line(self) -> str:
        plain = {name: value for name, value in self.values.items() if name != "found"}
        return f"{plain} {list(self.loads.values())} {self.problem}"


_HEAD = (
    "candidate", "start s", "1: p50 ms", "p99", "CPU ms", "16: p50", "p99", "qps", "CPU ms",
    "build s", "CPU s", "PSS MB", "ingest/s", "CPU ms each",
)  # fmt: skip


def print_table(every: Sequence[Figures]) -> None:
    callers = sorted({count for figures in every for count in figures.loads})
    one, many = (callers[0], callers[-1]) if callers else (1, 16)
    head = [name.replace("16:", f"{many}:").replace("1:", f"{one}:") for name in _HEAD]
    print("\n| " + " | ".join(head) + " |\n|" + "---|" * len(head))
    for figures in every:
        cells = [
            figures.values.get("start", NONE),
            figures.of_load(one, "p50"), figures.of_load(one, "p99"), figures.of_load(one, "cpu"),
            figures.of_load(many, "p50"), figures.of_load(many, "p99"),
            figures.of_load(many, "qps"), figures.of_load(many, "cpu"),
            figures.build(), figures.build("cpu"), figures.values.get("pss", NONE),
            figures.ingest_rate(), figures.ingest_cpu(),
        ]  # fmt: skip
        print(f"| {figures.name} | " + " | ".join(map(_cell, cells)) + f" | {figures.problem}")


def _cell(value: float) -> str:
    if isnan(value):  # not measured
        return "–"
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def print_ratios(every: Sequence[Figures]) -> None:
    """How many times better the slower of Footnote's two measurements is than the best peer."""
    own = [figures for figures in every if figures.name.startswith("footnote")]
    peers = [figures for figures in every if figures not in own]
    callers = sorted({count for figures in every for count in figures.loads})
    if not peers or not callers:
        return
    one, many = callers[0], callers[-1]
    dense = [figures for figures in peers if not figures.is_hybrid]
    hybrid = [figures for figures in peers if figures.is_hybrid]
    print()
    for name, rivals in (("dense-only", dense), ("hybrid", hybrid)):
        _ratio(f"p50, {one} caller, best {name} peer", own, rivals, lambda f: f.of_load(one, "p50"))
        _ratio(f"CPU a query, best {name} peer", own, rivals, lambda f: f.of_load(one, "cpu"))
    _ratio(f"queries/s, {many} callers", own, peers, lambda f: 1 / f.of_load(many, "qps"))
    _ratio("CPU of ingestion", own[:1], peers, Figures.ingest_cpu)
    _ratio("build from vectors", own[:1], peers, Figures.build)


def _ratio(
    name: str,
    own: Sequence[Figures],
    rivals: Sequence[Figures],
    value: Callable[[Figures], float],
) -> None:
    """All values are costs: the less the better."""
    known = [(value(figures), figures.name) for figures in rivals]
    known = [pair for pair in known if not isnan(pair[0])]
    ours = [value(figures) for figures in own]
    ours = [cost for cost in ours if not isnan(cost)]
    if known and ours:
        cost, rival = min(known)
        print(f"{name}: {cost / max(ours):.2f} times ({rival})")
