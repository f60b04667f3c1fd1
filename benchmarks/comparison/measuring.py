"""Clocks and scales of the comparison; the standard library alone, as peers run it too."""

import os
import re
import resource
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from itertools import count
from pathlib import Path
from typing import Any


def percentile(values: Sequence[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else float("nan")


def cpu_seconds() -> float:
    """User and system time of this process and of its children that ended."""
    every = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    return sum(u.ru_utime + u.ru_stime for u in map(resource.getrusage, every))


def pss_mb() -> float:
    """The proportional set size of this process: shared pages count by their share."""
    text = Path("/proc/self/smaps_rollup").read_text(encoding="ascii")
    return int(re.search(r"^Pss:\s+(\d+)", text, re.M).group(1)) / 1024  # type: ignore[union-attr]


def seconds_since_start() -> float:
    """Seconds since this process was started, imports included."""
    ticks = int(Path("/proc/self/stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()[19])
    uptime = float(Path("/proc/uptime").read_text(encoding="ascii").split()[0])
    return uptime - ticks / os.sysconf("SC_CLK_TCK")


@dataclass
class Step:
    """How long something took, on the clock and on the processor."""

    seconds: float = 0.0
    cpu: float = 0.0


@contextmanager
def step() -> Iterator[Step]:
    made = Step()
    began, used = time.perf_counter(), cpu_seconds()
    yield made
    made.seconds, made.cpu = time.perf_counter() - began, cpu_seconds() - used


@dataclass
class Load:
    """What some callers saw who asked without a pause."""

    callers: int
    queries: int
    p50: float  # milliseconds
    p99: float
    qps: float
    cpu: float  # milliseconds of the whole process a query


def load(
    ask: Callable[[str], Any], queries: Iterator[str], callers: int, seconds: float, most: int
) -> Load:
    """Ask for so many seconds, or so many questions, whichever is over first.

    Every question is asked once: no cache of answers or of vectors can help anybody.
    """
    taken: list[float] = []
    number, lock = count(), threading.Lock()
    began, used = time.perf_counter(), cpu_seconds()

    def caller() -> None:
        while time.perf_counter() - began < seconds and next(number) < most:
            with lock:
                query = next(queries)
            asked = time.perf_counter()
            ask(query)
            taken.append((time.perf_counter() - asked) * 1000)

    threads = [threading.Thread(target=caller) for _ in range(callers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    passed = time.perf_counter() - began
    cpu = (cpu_seconds() - used) * 1000 / len(taken)
    return Load(
        callers,
        len(taken),
        percentile(taken, 0.5),
        percentile(taken, 0.99),
        len(taken) / passed,
        cpu,
    )


def as_plain(value: Any) -> dict[str, Any]:
    return {name: round(v, 3) if isinstance(v, float) else v for name, v in asdict(value).items()}
