"""Reading order: where text stands in columns and the file does not follow them, it is put right.

A column's border is a strip that few runs of words cross, with prose on both sides. Most files
follow their columns already; they are left as they are.
"""

from dataclasses import dataclass
from statistics import median

from knowledge.ingestion.pdf.words import Line, Word, line_of

_WIDEST = 20_000.0  # points; PDF allows pages of 14,400
_STEP = 2.0  # points between the places tried for a border
_RUN_GAP = 0.7  # of the letters' height: a wider gap may be a border between columns
_MARGIN = 0.2  # of the width of the text: no column is narrower
_CROSSING = 0.2  # of the runs may cross the border: titles, pictures' captions
_EACH_SIDE = 6  # lines that make a column
_PROSE = 0.55  # of a column's width that its middle line fills; a table's cells fill less
_DEEPEST = 3  # three borders: four columns


@dataclass(frozen=True)
class _Sides:
    """Runs by their side of a border, each with the number of its line."""

    border: float
    runs: list[Line]

    def side(self, run: Line) -> int:
        if run.box.x1 <= self.border:
            return -1
        return 1 if run.box.x0 >= self.border else 0

    def of(self, side: int) -> list[Line]:
        return [run for run in self.runs if self.side(run) == side]


def in_reading_order(lines: list[Line], depth: int = 0) -> list[Line]:
    """The lines of a page, column by column between the lines that cross them."""
    runs = [run for line in lines for run in _runs(line)]
    border = _border(runs) if depth < _DEEPEST else None
    if border is None:
        return lines
    sides = _Sides(border, runs)
    if not _has_columns(sides):
        return lines
    if _follows_columns(lines, sides):
        return lines
    found: list[Line] = []
    waiting: list[Line] = []
    for line in sorted(lines, key=lambda line: -line.box.middle[1]):
        for half in _halves(line, sides):
            if sides.side(half):
                waiting.append(half)
            else:
                found.extend([*_by_column(waiting, sides, depth), half])
                waiting = []
    return [*found, *_by_column(waiting, sides, depth)]


def _by_column(runs: list[Line], sides: _Sides, depth: int) -> list[Line]:
    return [
        line
        for side in (-1, 1)
        for line in in_reading_order([run for run in runs if sides.side(run) == side], depth + 1)
    ]


def _runs(line: Line) -> list[Line]:
    """The line parted at its wide gaps."""
    if not line.words:
        return [line]
    parts: list[list[Word]] = []
    for word in line.words:
        gap = word.box.x0 - parts[-1][-1].box.x1 if parts else 0.0
        if parts and gap <= _RUN_GAP * word.box.height:
            parts[-1].append(word)
        else:
            parts.append([word])
    return [line_of(part) for part in parts]


def _halves(line: Line, sides: _Sides) -> list[Line]:
    """What of a line stands left and right of the border; the line itself where it crosses it."""
    runs = _runs(line)
    if any(sides.side(run) == 0 for run in runs):
        return [line]
    halves = [[run for run in runs if sides.side(run) == side] for side in (-1, 1)]
    if not all(halves):
        return [line]
    return [line_of([word for run in half for word in run.words]) for half in halves]


def _border(runs: list[Line]) -> float | None:
    """The place in the middle of the widest strip that the fewest runs cross."""
    left = min((run.box.x0 for run in runs), default=0.0)
    width = max((run.box.x1 for run in runs), default=0.0) - left
    if len(runs) < 2 * _EACH_SIDE or width > _WIDEST:
        return None
    places = int(width / _STEP)
    crossing = [0] * (places + 2)
    for run in runs:
        crossing[int((run.box.x0 - left) / _STEP)] += 1
        crossing[min(int((run.box.x1 - left) / _STEP) + 1, places + 1)] -= 1
    total = 0
    counts = []
    for change in crossing:
        total += change
        counts.append(total)
    inner = range(int(places * _MARGIN), int(places * (1 - _MARGIN)))
    fewest = min((counts[place] for place in inner), default=len(runs))
    if fewest > _CROSSING * len(runs):
        return None
    strip = _widest([place for place in inner if counts[place] == fewest])
    return left + (sum(strip) / len(strip) + 0.5) * _STEP


def _widest(places: list[int]) -> list[int]:
    """The longest run of neighbours."""
    best: list[int] = []
    run: list[int] = []
    for place in places:
        run = [*run, place] if run and run[-1] == place - 1 else [place]
        best = max(best, run, key=len)
    return best


def _has_columns(sides: _Sides) -> bool:
    """Whether prose stands on both sides, beside each other."""
    spans = []
    for side in (-1, 1):
        runs = [run for run in sides.of(side) if run.words]
        if len(runs) < _EACH_SIDE:
            return False
        outer = min(r.box.x0 for r in runs) if side < 0 else max(r.box.x1 for r in runs)
        if median(run.box.x1 - run.box.x0 for run in runs) < _PROSE * abs(outer - sides.border):
            return False
        spans.append((min(r.box.bottom for r in runs), max(r.box.top for r in runs)))
    (low, high), (other_low, other_high) = spans
    shared = min(high, other_high) - max(low, other_low)
    return shared > 0.3 * min(high - low, other_high - other_low)


def _follows_columns(lines: list[Line], sides: _Sides) -> bool:
    """Whether the file itself goes down one column and then the other."""
    switches, across, before = 0, 0, 0
    for line in lines:
        halves = _halves(line, sides)
        if len(halves) == 2:
            return False
        side = sides.side(halves[0])
        across += side == 0
        if side and before and side != before:
            switches += 1
        before = side or before
    return switches <= 2 * across + 3
