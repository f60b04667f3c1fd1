"""Rows of cells, from workbooks and CSV files, as Markdown: captions, tables and lists.

Empty rows part blocks. In a block, rows with one cell above wider ones are its caption, and the
next row is the table's head.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby, takewhile

from knowledge.ingestion.tables import cell_text, markdown_table
from knowledge.ingestion.types import LimitExceeded, Limits

_LIST_ROWS = 3  # rows of one column that make a table; fewer are paragraphs


def cells_to_markdown(rows: Iterable[Sequence[str]]) -> str:
    """The rows as Markdown; empty where they are."""
    parts: list[str] = []
    for is_filled, block in groupby(rows, key=any):
        if is_filled:
            parts.extend(_block(list(block)))
    return "\n\n".join(parts)


def _block(rows: list[Sequence[str]]) -> Iterator[str]:
    columns = {number for row in rows for number, cell in enumerate(row) if cell}
    if len(columns) == 1:
        if len(rows) >= _LIST_ROWS:
            yield markdown_table(rows)
        else:
            yield from map(_joined, rows)
        return
    caption = [*takewhile(lambda row: sum(map(bool, row)) == 1, rows)]
    yield from map(_joined, caption)
    if len(caption) < len(rows):
        yield markdown_table(rows[len(caption) :])


def _joined(row: Sequence[str]) -> str:
    return " ".join(filter(None, map(cell_text, row)))


class CellCounter:
    """Counts what rows take; raises LimitExceeded beyond the characters of a document."""

    def __init__(self, limits: Limits) -> None:
        self._most = limits.max_characters
        self._columns = limits.max_columns
        self._characters = 0
        self.is_cut = False  # a row had more columns than are taken

    def taken(self, row: Sequence[str]) -> list[str]:
        """The row without empty cells at its end and without columns beyond the limit."""
        cells = [cell.strip() for cell in row[: self._columns]]
        if len(row) > self._columns and any(cell.strip() for cell in row[self._columns :]):
            self.is_cut = True
        while cells and not cells[-1]:
            cells.pop()
        self._characters += sum(map(len, cells)) + len(cells)
        if self._characters > self._most:
            raise LimitExceeded(
                f"The document has more than {self._most:,} characters, which is the limit."
            )
        return cells
