"""Units into groups of at most a number of tokens: even in size, ending where paragraphs end."""

from collections.abc import Sequence
from itertools import accumulate

from knowledge.ingestion.sentences import Kind
from knowledge.ingestion.units import Unit

_FULL_ENOUGH = 0.6  # of a group, from which the end of a paragraph is a good place to end it
_SLACK = 1.15  # above an even share, so that a sentence too many does not make one group more
_REPEATED = frozenset({Kind.PROSE, Kind.ITEM})


def pack(units: Sequence[Unit], budget: int, overlap: int) -> list[list[Unit]]:
    """Groups in order, each within ``budget``; neighbours share whole sentences up to ``overlap``.

    Every unit must fit the budget by itself, its table's head included.
    """
    sums = [0, *accumulate(unit.tokens for unit in units)]
    target = _even_share(sums[-1], budget)
    groups: list[list[Unit]] = []
    first = 0
    while True:
        last = _end(units, sums, first, (budget, target))
        groups.append(list(units[first:last]))
        if last == len(units):
            return groups
        first = _with_overlap(units, sums, (first, last), min(overlap, budget))
        if sums[last + 1] - sums[first] > budget:
            first = last  # the repeated sentences would push the next unit out


def _even_share(total: int, budget: int) -> int:
    groups = max(-(-total // max(budget, 1)), 1)
    return min(budget, int(total / groups * _SLACK))


def _end(units: Sequence[Unit], sums: list[int], first: int, sizes: tuple[int, int]) -> int:
    """Where the group that begins at ``first`` ends; at least one unit is taken."""
    budget, target = sizes
    head = units[first].head_tokens
    if head + sums[-1] - sums[first] <= budget:
        return len(units)
    last = first + 1
    while last < len(units) and head + sums[last + 1] - sums[first] <= target:
        last += 1
    full_enough = (sums[last] - sums[first]) * _FULL_ENOUGH
    for end in range(last, first, -1):
        if sums[end] - sums[first] < full_enough:
            break
        if end < len(units) and units[end].begins_paragraph:
            return end
    return last


def _with_overlap(
    units: Sequence[Unit], sums: list[int], group: tuple[int, int], overlap: int
) -> int:
    """Where the next group begins so that it repeats whole sentences of the last one."""
    first, last = group
    start = last
    while (
        start - 1 > first
        and units[start - 1].kind in _REPEATED
        and not units[start - 1].is_heading
        and sums[last] - sums[start - 1] <= overlap
    ):
        start -= 1
    return start
