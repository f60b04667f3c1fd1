"""Rows of cells as a Markdown table, the one form that tables of every format take."""

from collections.abc import Iterable, Sequence


def markdown_table(rows: Iterable[Sequence[str]]) -> str:
    """The rows as Markdown, the first as its head; empty columns and rows are left out."""
    cleaned = [[cell_text(cell) for cell in row] for row in rows]
    width = max((len(row) for row in cleaned), default=0)
    padded = [[*row, *[""] * (width - len(row))] for row in cleaned if any(row)]
    used = [column for column in range(width) if any(row[column] for row in padded)]
    if not used:
        return ""
    lines = [row_line([row[column] for column in used]) for row in padded]
    return "\n".join([lines[0], rule_line(len(used)), *lines[1:]])


def cell_text(text: str) -> str:
    """A cell on one line, its bars escaped."""
    return " ".join(text.split()).replace("|", "\\|")


def row_line(cells: Sequence[str]) -> str:
    """One row of cells that `cell_text` made."""
    return f"| {' | '.join(cells)} |"


def rule_line(columns: int) -> str:
    """The rule under a table's head."""
    return row_line(["---"] * columns)


def head_above(text: str, start: int) -> str:
    """The head of the Markdown table in which the line at ``start`` is a row.

    Empty where there is no table or the line is its head. With it a passage that begins within a
    table can name its columns.
    """
    begin = text.rfind("\n", 0, start) + 1
    if not text.startswith("|", begin):
        return ""
    block = text.rfind("\n\n", 0, begin) + 1
    rule = text.find("\n| ---", block, begin)
    head = text.rfind("\n", 0, rule) + 1 if rule >= 0 else begin
    return text[head:rule] if head < begin and text.startswith("|", head) else ""
