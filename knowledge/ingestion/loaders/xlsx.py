"""XLSX by openpyxl: each sheet a heading, its cells Markdown tables. Formulas are never evaluated.

What a cell shows is what was stored when the workbook was saved. A formula that was saved without
its result shows nothing, and a warning says so.
"""

import re
import warnings
import zipfile
from collections.abc import Iterator, Sequence
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

import openpyxl
from openpyxl.cell.read_only import EMPTY_CELL
from openpyxl.utils.exceptions import InvalidFileException

from knowledge.ingestion.archive import ZIP_SAYS_NO
from knowledge.ingestion.cells import CellCounter, cells_to_markdown
from knowledge.ingestion.cleaning import clean
from knowledge.ingestion.decoding import normalise
from knowledge.ingestion.loaders import Report
from knowledge.ingestion.loaders.checks import check_length, checked, left_out
from knowledge.ingestion.markdown import outline
from knowledge.ingestion.ooxml import EXCEL, check_package
from knowledge.ingestion.types import MEBIBYTE, Extracted, Limits, UnreadableFile

_EMPTY_ROWS = 10_000  # in a row are kept: formats reach further down than what is written
_CARRIAGE_RETURN = "_x000D_"  # as Excel writes it within a cell
_FORMULA_WITHOUT_RESULT = re.compile(rb"(?:</f>|<f[^>]{0,200}/>)(?:<v\s*/>|<v></v>)?</c>")
# What a damaged part makes openpyxl raise: XML that is none is a SyntaxError.
_OPENPYXL_SAYS_NO = (
    *ZIP_SAYS_NO, InvalidFileException, KeyError, AttributeError, IndexError, TypeError,
    SyntaxError, AssertionError, RecursionError, ArithmeticError,
)  # fmt: skip


def load(path: Path, limits: Limits, report: Report) -> Extracted:
    """The sheets in order; hidden ones are left out and named in a warning."""
    check_package(path, EXCEL, limits)
    report(10)
    try:
        with path.open("rb") as file, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of features that are not read
            workbook = openpyxl.load_workbook(
                file, read_only=True, data_only=True, keep_links=False
            )
            found = _Sheets(limits).read(workbook, report)
    except _OPENPYXL_SAYS_NO as error:
        raise UnreadableFile(EXCEL.damaged) from error
    text = checked(found.text, limits)
    unknown = _unknown_results(path)
    return Extracted(
        text=text,
        outline=outline(text),
        warnings=(*found.warnings, *unknown),
        is_complete=not (found.is_cut or unknown),
    )


class _Sheets:
    """The sheets of a workbook as they are read."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._parts: list[str] = []
        self.warnings: list[str] = []
        self.is_cut = False

    @property
    def text(self) -> str:
        return "\n\n".join(self._parts)

    def read(self, workbook: Any, report: Report) -> "_Sheets":
        shown = [sheet for sheet in workbook.worksheets if sheet.sheet_state == "visible"]
        hidden = [sheet.title for sheet in workbook.worksheets if sheet not in shown]
        characters = 0
        for number, sheet in enumerate(shown, start=1):
            part = self._sheet(sheet)
            characters += len(part)
            check_length(characters, self._limits)
            if part:
                self._parts.append(f"# {_one_line(sheet.title)}\n\n{part}")
            report(10 + 85 * number // len(shown))
        if hidden:
            names = ", ".join(_one_line(name) for name in hidden[:10])
            self.warnings.append(f"Hidden sheets are not read: {names}.")
        return self

    def _sheet(self, sheet: Any) -> str:
        counter = CellCounter(self._limits)
        sheet.reset_dimensions()  # what a file declares may be wrong
        rows = list(self._rows(sheet, counter))
        is_long = len(rows) > self._limits.max_rows
        name = f"sheet “{_one_line(sheet.title)}”"
        found = left_out(name, self._limits, is_long=is_long, is_wide=counter.is_cut)
        self.warnings.extend(found)
        self.is_cut = self.is_cut or bool(found)
        text = cells_to_markdown(rows[: self._limits.max_rows])
        return clean(normalise(text.replace(_CARRIAGE_RETURN, " ")))

    def _rows(self, sheet: Any, counter: CellCounter) -> Iterator[list[str]]:
        """Rows up to one beyond the limit; gaps are empty rows, and long ones are cut short."""
        empty = 0
        most = self._limits
        for row in sheet.iter_rows(max_row=most.max_rows + 1, max_col=most.max_columns + 1):
            cells = counter.taken([_shown(cell) for cell in row[: _width(row)]])
            empty = 0 if cells else empty + 1
            if empty <= _EMPTY_ROWS:
                yield cells


def _width(row: Sequence[Any]) -> int:
    """Cells up to the last one that the file has; openpyxl fills rows up to the width it was told.

    Rows are padded with one and the same object, so this costs a comparison a cell.
    """
    width = len(row)
    while width and row[width - 1] is EMPTY_CELL:
        width -= 1
    return width


def _one_line(title: str) -> str:
    return " ".join(clean(normalise(title)).split())


def _shown(cell: Any) -> str:
    """A cell's value as a reader would write it."""
    value = cell.value
    if value is None or isinstance(value, str):
        return value or ""
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, float):
        return _number(value, cell.number_format)
    if isinstance(value, datetime):
        return _moment(value)
    if isinstance(value, (date, time)):
        return value.isoformat()
    return str(value)


def _number(value: float, number_format: str | None) -> str:
    if "%" in (number_format or ""):
        return f"{value * 100:.10g}%"
    return f"{value:.15g}"


def _moment(value: datetime) -> str:
    if value.time() == time.min:
        return value.date().isoformat()
    return value.isoformat(sep=" ", timespec="seconds" if value.second else "minutes")


def _unknown_results(path: Path) -> list[str]:
    """A warning where formulas were saved without their results."""
    count = 0
    with zipfile.ZipFile(path) as package:
        for name in package.namelist():
            if name.startswith("xl/worksheets/") and name.endswith(".xml"):
                count += _formulas_without_result(package, name)
    if not count:
        return []
    cells = "1 cell holds a formula" if count == 1 else f"{count:,} cells hold formulas"
    return [f"{cells} without a stored result. Open the workbook, save it and add it again."]


def _formulas_without_result(package: zipfile.ZipFile, name: str) -> int:
    count, tail = 0, b""
    with package.open(name) as part:
        while piece := part.read(MEBIBYTE):
            window = tail + piece
            found = list(_FORMULA_WITHOUT_RESULT.finditer(window))
            count += len(found)
            tail = window[max(found[-1].end() if found else 0, len(window) - 256) :]
    return count
