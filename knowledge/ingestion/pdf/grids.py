"""Tables: rules that cross make a grid, and its words go into cells; also level rules alone.

Tables without any rules stay lines of text, as PDFium reads them row by row. On generated pages
pdfplumber finds the same closed grids (none of the open ones) and takes eight times as long a page.
"""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace

from knowledge.ingestion.pdf.rules import Rule, Rules
from knowledge.ingestion.pdf.words import Box, Line, Word, line_of
from knowledge.ingestion.tables import markdown_table

_MOST_RULES = 600  # a page of a long table has 150; crossing all with all stays fast
_MOST_CELLS = 5000
_CELL_MAX = 400  # characters in the middle: boxes with more are a page's layout
_FILLED = 0.3  # of the cells: a chart's grid is emptier
_GUTTER = 8.0  # points without words from top to bottom part two columns under level rules
_JUST = 1.0  # points that letters may reach over a rule
_SAME = 5.0  # points by which the ends of a table's level rules may differ


@dataclass(frozen=True)
class Grid:
    """Borders of columns from the left and of rows from the top, and the rules between cells."""

    columns: tuple[float, ...]
    rows: tuple[float, ...]
    rules: Rules | None = None  # None where cells are never merged

    @property
    def box(self) -> Box:
        return Box(self.columns[0], self.rows[-1], self.columns[-1], self.rows[0])

    def place(self, word: Word) -> tuple[int, int] | None:
        """Row and column of a word; None outside."""
        x, y = word.box.middle
        column = bisect_right(self.columns, x) - 1
        row = bisect_right([-border for border in self.rows], -y) - 1
        if 0 <= column < len(self.columns) - 1 and 0 <= row < len(self.rows) - 1:
            return row, column
        return None


def with_tables(lines: list[Line], rules: Rules) -> list[Line]:
    """The lines with every table in place of the words that it took."""
    for grid in sorted(_grids(lines, rules), key=_area):
        lines = _taken(lines, grid)
    return lines


def _area(grid: Grid) -> float:
    box = grid.box
    return (box.x1 - box.x0) * box.height


def _taken(lines: list[Line], grid: Grid) -> list[Line]:
    cells: dict[tuple[int, int], list[str]] = {}
    kept: list[Line] = []
    at = -1
    for line in lines:
        outside = []
        for word in line.words:
            place = grid.place(word)
            if place is None:
                outside.append(word)
                continue
            cells.setdefault(place, []).append(word.text)
            at = len(kept) if at < 0 else at
        if len(outside) == len(line.words):
            kept.append(line)
        elif outside:
            kept.append(line_of(outside))
    rows = _rows(grid, cells)
    if not _is_table(rows):
        return lines
    table = Line((), grid.box, markdown_table(rows), grid.columns)
    return [*kept[:at], table, *kept[at:]]


def _rows(grid: Grid, cells: dict[tuple[int, int], list[str]]) -> list[list[str]]:
    """The words of the cells; one that spans several rows stands in each of them."""
    rows: list[list[str]] = []
    for row in range(len(grid.rows) - 1):
        found = []
        for column in range(len(grid.columns) - 1):
            words = cells.get((row, column), [])
            text = " ".join(words)
            if not words and rows and _goes_on(grid, row, column):
                text = rows[row - 1][column]
            found.append(text)
        rows.append(found)
    return rows


def _goes_on(grid: Grid, row: int, column: int) -> bool:
    """Whether no rule parts a cell from the one above it."""
    if grid.rules is None:
        return False
    middle = (grid.columns[column] + grid.columns[column + 1]) / 2
    border = grid.rows[row]
    return not any(
        abs(rule.at - border) < 1 and rule.begin <= middle <= rule.end for rule in grid.rules.level
    )


def _is_table(rows: list[list[str]]) -> bool:
    filled = [cell for row in rows for cell in row if cell]
    full_rows = sum(sum(1 for cell in row if cell) > 1 for row in rows)
    if full_rows < 2 or len(filled) < _FILLED * sum(len(row) for row in rows):
        return False
    return sum(len(cell) for cell in filled) / len(filled) <= _CELL_MAX


def _grids(lines: Sequence[Line], rules: Rules) -> list[Grid]:
    if len(rules.level) + len(rules.upright) > _MOST_RULES:
        return []
    found = []
    for component in _components(rules):
        if component.upright:
            columns = tuple(sorted({rule.at for rule in component.upright}))
            rows = tuple(sorted({rule.at for rule in component.level}, reverse=True))
            if len(columns) > 2 and len(rows) > 2:
                found.append(Grid(columns, rows, component))
    found.extend(_open_grids(lines, rules))
    return [grid for grid in found if len(grid.columns) * len(grid.rows) <= _MOST_CELLS]


def _components(rules: Rules) -> list[Rules]:
    """Rules grouped by which touch each other."""
    groups: list[tuple[list[Rule], list[Rule]]] = []
    for level in rules.level:
        crossed = [up for up in rules.upright if _cross(level, up)]
        joined: tuple[list[Rule], list[Rule]] = ([level], list(crossed))
        apart = []
        for group in groups:
            if any(up in group[1] for up in crossed):
                joined[0].extend(group[0])
                joined[1].extend(up for up in group[1] if up not in joined[1])
            else:
                apart.append(group)
        groups = [*apart, joined]
    return [Rules(tuple(level), tuple(upright)) for level, upright in groups]


def _cross(level: Rule, upright: Rule) -> bool:
    return level.covers(upright.at) and upright.covers(level.at)


def _open_grids(lines: Sequence[Line], rules: Rules) -> list[Grid]:
    """Tables with level rules alone: columns are parted by white from top to bottom."""
    alone = [
        rule for rule in rules.level if not any(_cross(rule, upright) for upright in rules.upright)
    ]
    found: list[Grid] = []
    while alone:
        first = alone[0]
        alike = [rule for rule in alone if _same_ends(rule, first)]
        alone = [rule for rule in alone if not _same_ends(rule, first)]
        grid = _open_grid(lines, sorted(alike, key=lambda rule: -rule.at))
        if grid is not None:
            found.append(grid)
    return found


def _same_ends(rule: Rule, other: Rule) -> bool:
    return abs(rule.begin - other.begin) < _SAME and abs(rule.end - other.end) < _SAME


def _open_grid(lines: Sequence[Line], rules: list[Rule]) -> Grid | None:
    if len(rules) < 3:  # above the head, below it, below the last row
        return None
    borders = [rule.at for rule in rules]
    ends = (rules[0].begin - _SAME, rules[0].end + _SAME)
    inside = _lines_in(lines, Grid(ends, (borders[0], borders[-1])))
    boxes = [word.box for line in inside for word in line.words]
    columns = _white_columns(boxes)
    if len(columns) < 3:
        return None
    if len(rules) > 3:
        return _with_head_above(lines, boxes, Grid(columns, tuple(borders)))
    # Rows are not ruled: each line that has a first cell begins one.
    begins = [
        line.box.top
        for line in inside
        if line.words[0].box.x0 < columns[1] and line.box.top < borders[1]
    ]
    rows = (borders[0], borders[1], *sorted(begins, reverse=True)[1:], borders[2])
    return Grid(columns, rows)


def _with_head_above(lines: Sequence[Line], boxes: list[Box], grid: Grid) -> Grid:
    """The grid with the head that has a rule below it alone, where there is one."""
    border = grid.rows[0]
    for line in lines:
        if not line.words or not 0 <= line.box.bottom - border + _JUST <= line.box.height:
            continue
        columns = _white_columns([*boxes, *(word.box for word in line.words)])
        head = Grid(columns, (line.box.top + _JUST, border - _JUST))
        if len(columns) == len(grid.columns) == 1 + len(set(map(head.place, line.words))):
            return Grid(columns, (line.box.top + _JUST, *grid.rows))
    return grid


def _lines_in(lines: Sequence[Line], region: Grid) -> list[Line]:
    """What of the lines stands within a grid."""
    inside = [
        replace(line, words=tuple(word for word in line.words if region.place(word) is not None))
        for line in lines
    ]
    return [line for line in inside if line.words]


def _white_columns(boxes: list[Box]) -> tuple[float, ...]:
    """Borders in the middle of every white strip, and at both ends."""
    if not boxes:
        return ()
    spans = sorted((box.x0, box.x1) for box in boxes)
    borders = [spans[0][0] - 1]
    reached = spans[0][1]
    for begin, end in spans:
        if begin - reached >= _GUTTER:
            borders.append((reached + begin) / 2)
        reached = max(reached, end)
    return (*borders, reached + 1)
