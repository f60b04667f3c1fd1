"""CSV and TSV: any encoding, the separator found by looking, rows as a Markdown table."""

import csv
import io
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from statistics import mode

from knowledge.ingestion.cells import CellCounter, cells_to_markdown
from knowledge.ingestion.cleaning import clean
from knowledge.ingestion.decoding import decode
from knowledge.ingestion.loaders import Report
from knowledge.ingestion.loaders.checks import check_length, checked, left_out
from knowledge.ingestion.types import Extracted, Limits

_SEPARATORS = ",;\t|"
_SAMPLE_ROWS = 60
_SAMPLE_CHARACTERS = 64 * 1024
_NAMED_SEPARATOR = "sep="  # Excel's own first line


def load(path: Path, limits: Limits, report: Report) -> Extracted:
    """The table as Markdown; the first row of each block names its columns."""
    text = decode(path.read_bytes())
    check_length(len(text), limits)
    text, separator = _separator(clean(text))
    report(20)
    counter = CellCounter(limits)
    rows = list(islice(_rows(text, separator, counter), limits.max_rows + 1))
    report(60)
    is_long = len(rows) > limits.max_rows
    table = checked(cells_to_markdown(rows[: limits.max_rows]), limits)
    warnings = left_out("table", limits, is_long=is_long, is_wide=counter.is_cut)
    return Extracted(text=table, warnings=warnings, is_complete=not warnings)


def _rows(text: str, separator: str, counter: CellCounter) -> Iterator[list[str]]:
    for row in _parsed(text, separator):
        yield counter.taken(row)


def _parsed(text: str, separator: str) -> Iterator[list[str]]:
    csv.field_size_limit(len(text) + 1)  # the text itself is limited already
    return csv.reader(io.StringIO(text, newline=""), delimiter=separator)


def _separator(text: str) -> tuple[str, str]:
    """The text without Excel's line that names the separator, and the separator."""
    first, _, rest = text.partition("\n")
    named = first.strip().casefold()
    if named.startswith(_NAMED_SEPARATOR) and len(named) <= len(_NAMED_SEPARATOR) + 1:
        return rest, named[len(_NAMED_SEPARATOR) :] or "\t"
    sample = text[:_SAMPLE_CHARACTERS]
    return text, max(_SEPARATORS, key=lambda separator: _agreement(sample, separator))


def _agreement(sample: str, separator: str) -> tuple[float, int]:
    """How alike the rows' lengths are, and how long they are; (0, 0) where nothing is parted."""
    rows = [row for row in islice(_parsed(sample, separator), _SAMPLE_ROWS) if row]
    if len(rows) > 2 and len(sample) == _SAMPLE_CHARACTERS:
        rows.pop()  # the sample may end within it
    lengths = [len(row) for row in rows]
    usual = mode(lengths) if lengths else 0
    if usual < 2:
        return 0.0, 0
    return lengths.count(usual) / len(lengths), usual
