"""How well a follow-up is made a question of its own, held against a person's rewriting.

A set has no documents: its questions come with what was said before, with a rewriting, and with
whether one was needed. The halves are parted by conversation, as in ``benchmarks/follow_ups.py``,
which fits the weights on the first one.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from chat.generation.terms import stem
from chat.generation.understanding.followups import standalone
from chat.generation.understanding.phrases import telling
from evaluation.files.reading import objects_of, text_of
from evaluation.files.values import BadFile
from evaluation.intervals import mean_intervals
from evaluation.public.conversations import FollowUp, follow_up

HALVES = ("fitted on", "held out")
_WORD = re.compile(r"\w+")


def follow_ups(folder: Path) -> list[FollowUp]:
    """The questions of a set that have something before them; raises BadFile."""
    names = (folder / "questions.jsonl.gz", folder / "questions.jsonl")
    path = next((path for path in names if path.is_file()), None)
    if path is None:
        raise BadFile(f"There is no questions.jsonl or questions.jsonl.gz in {folder}.")
    found = []
    for line, values in objects_of(text_of(path.read_bytes())):
        if not isinstance(values.get("question"), str) or "history" not in values:
            raise BadFile("A follow-up needs “question” and “history”.", line)
        if values["history"] and values.get("rewrite"):
            found.append(follow_up(values))
    return found


def table(sets: Mapping[str, Sequence[FollowUp]]) -> str:
    """Each half of each set as a line, with 95 % intervals."""
    names = ("missing words brought in", "brought in rightly", "F1 as asked", "F1 as rewritten")
    rows = [f"{'set':22}{'half':12}{'n':>6}" + "".join(f"{n:>26}" for n in names) + "   unharmed"]
    for name, asked in sets.items():
        for half, called in enumerate(HALVES):
            of_half = [one for one in asked if one.half == half]
            if of_half:
                rows.append(f"{name:22}{called:12}{len(of_half):6}{_cells(of_half)}")
    return "\n".join(rows)


def _cells(asked: Sequence[FollowUp]) -> str:
    made = [standalone(one.question, one.turns) for one in asked]
    missing = [_missing(one) for one in asked]
    new = [
        set(telling(m.question)) - set(telling(a.question))
        for m, a in zip(made, asked, strict=True)
    ]
    columns: dict[str, list[float]] = {
        "recall": [len(m & n) / len(m) for m, n in zip(missing, new, strict=True) if m],
        "precision": [len(m & n) / len(n) for m, n in zip(missing, new, strict=True) if n],
        "plain": [f1(one.question, one.rewrite) for one in asked],
        "f1": [f1(m.question, a.rewrite) for m, a in zip(made, asked, strict=True)],
    }
    whole = [not m.topics for m, a in zip(made, asked, strict=True) if not a.needs_rewrite]
    harm = f"{sum(whole)} of {len(whole)}"
    return "".join(f"{_interval(values):>26}" for values in columns.values()) + f"   {harm}"


def _interval(values: list[float]) -> str:
    if not values:
        return "–"
    one = mean_intervals({"value": values}, [""] * len(values))["value"]
    return f"{one.value:.3f} [{one.low:.3f}, {one.high:.3f}]"


def _missing(one: FollowUp) -> set[str]:
    """The telling words of the person's rewriting that the question lacks."""
    return set(telling(one.rewrite)) - set(telling(one.question))


def f1(text: str, wanted: str) -> float:
    """Token F1 of two texts: stems, counted, in any order."""
    mine, theirs = Counter(_stems(text)), Counter(_stems(wanted))
    common = sum((mine & theirs).values())
    return 2 * common / (sum(mine.values()) + sum(theirs.values())) if common else 0.0


def _stems(text: str) -> Iterable[str]:
    return (stem(word.casefold()) for word in _WORD.findall(text))
