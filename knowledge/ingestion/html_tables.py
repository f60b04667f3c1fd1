"""HTML tables made rectangular, so that as Markdown every row stands under its columns' names.

A cell that spans rows is repeated in each, one that spans columns of the head names each of them,
and a head of several rows becomes one.
"""

import copy
from itertools import takewhile

from bs4 import BeautifulSoup, Tag

_MOST_CELLS = 20_000  # of a page once spans are unfolded: a span may claim 65,534 rows
_MOST_SPANNED = 1000

Grid = list[list[Tag]]


def unfold_tables(soup: BeautifulSoup) -> None:
    """Unfold the spans of every table; those of a page that claims too much stay as they are."""
    left = _MOST_CELLS
    for table in soup.find_all("table"):
        rows = _below_caption(soup, table)
        if not _has_spans(rows) and not _has_long_head(rows):
            continue
        grid = _grid(soup, rows, left)
        left -= sum(map(len, grid))
        if left > 0:
            _rewrite(soup, rows, grid)


def _below_caption(soup: BeautifulSoup, table: Tag) -> list[Tag]:
    """The rows of a table; a first one that is one cell over all columns goes above it."""
    rows = [row for row in table.find_all("tr") if row.find_parent("table") is table]
    while len(rows) > 2 and len(cells := _cells(rows[0])) == 1 and _span(cells[0], "colspan") > 1:
        caption = soup.new_tag("p")
        caption.string = " ".join(cells[0].get_text(" ").split())
        table.insert_before(caption)
        rows.pop(0).decompose()
    return rows


def _cells(row: Tag) -> list[Tag]:
    return row.find_all(["td", "th"], recursive=False)


def _has_spans(rows: list[Tag]) -> bool:
    return any(
        _span(cell, "colspan") * _span(cell, "rowspan") > 1 for r in rows for cell in _cells(r)
    )


def _has_long_head(rows: list[Tag]) -> bool:
    return len(rows) > 2 and _is_head(rows[0]) and _is_head(rows[1])


def _is_head(row: Tag) -> bool:
    cells = _cells(row)
    is_in_head = row.parent is not None and row.parent.name == "thead"
    return bool(cells) and (is_in_head or all(cell.name == "th" for cell in cells))


def _span(cell: Tag, name: str) -> int:
    value = str(cell.get(name, "1")).strip()
    return max(1, min(int(value), _MOST_SPANNED)) if value.isdigit() and len(value) < 6 else 1


def _grid(soup: BeautifulSoup, rows: list[Tag], most: int) -> Grid:
    """The cells of each row by column; what spans stands in each place, in rows only repeated."""
    grid: Grid = []
    hanging: dict[int, tuple[Tag, int]] = {}  # column: the cell from above and rows it still spans
    made = 0
    has_heads = any(cell.name == "th" for row in rows for cell in _cells(row))
    for number, row in enumerate(rows):
        is_head = _is_head(row) or (number == 0 and not has_heads)
        line: list[Tag] = []
        waiting = _cells(row)
        while (waiting or len(line) in hanging) and made <= most:
            made += 1
            column = len(line)
            if column in hanging:
                cell, rest = hanging.pop(column)
                line.append(copy.copy(cell))
                if rest > 1:
                    hanging[column] = (cell, rest - 1)
                continue
            cell = waiting.pop(0)
            down, across = _span(cell, "rowspan"), _span(cell, "colspan")
            for place in range(across):
                part = cell if place == 0 or is_head else soup.new_tag("td")
                line.append(cell if place == 0 else copy.copy(part))
                if down > 1:
                    hanging[column + place] = (part, down - 1)
            made += across
        grid.append(line)
    return grid


def _rewrite(soup: BeautifulSoup, rows: list[Tag], grid: Grid) -> None:
    heads = len(list(takewhile(_is_head, rows)))
    for row, line in zip(rows, grid, strict=True):
        for cell in line:
            del cell["rowspan"]
            del cell["colspan"]
        row.extend(cell.extract() if cell.parent is not None else cell for cell in line)
    if 1 < heads < len(rows):
        _join_heads(soup, rows[:heads], grid[:heads])


def _join_heads(soup: BeautifulSoup, rows: list[Tag], grid: Grid) -> None:
    """One head of several: each column is named by the words above it."""
    joined = []
    for column in range(max(map(len, grid))):
        words = [
            " ".join(line[column].get_text(" ").split()) for line in grid if column < len(line)
        ]
        cell = soup.new_tag("th")
        cell.string = " ".join(word for word in dict.fromkeys(words) if word)
        joined.append(cell)
    for row in rows[1:]:
        row.decompose()
    rows[0].clear()
    rows[0].extend(joined)
