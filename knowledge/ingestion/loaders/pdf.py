"""PDF by PDFium: text, tables and page starts. One thread: PDFium's heap breaks under two."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pypdfium2
import pypdfium2.raw as pdfium

from knowledge.ingestion.cleaning import clean
from knowledge.ingestion.decoding import normalise
from knowledge.ingestion.loaders import Report
from knowledge.ingestion.loaders.checks import check_length, check_pages, without_text
from knowledge.ingestion.markdown import plain_title
from knowledge.ingestion.pdf.flow import Flow, hyphenated_words
from knowledge.ingestion.pdf.furniture import without_furniture
from knowledge.ingestion.pdf.grids import with_tables
from knowledge.ingestion.pdf.headings import heading_levels
from knowledge.ingestion.pdf.order import in_reading_order
from knowledge.ingestion.pdf.rules import read_rules
from knowledge.ingestion.pdf.words import Box, TextLine, around, read_lines, settled, turning
from knowledge.ingestion.types import (
    Extracted,
    Heading,
    Limits,
    PageKind,
    PageReport,
    UnreadableFile,
)

PASSWORD = "The file needs a password."  # noqa: S105 - a sentence for a manager
DAMAGED = "The file is damaged or is not a PDF."
NO_PAGES = "The file has no pages."
_PDFIUM_PASSWORD_ERROR = 4  # FPDF_ERR_PASSWORD
_MAX_BOOKMARKS = 2000
_PICTURE_SHARE = 0.5  # of a page that pictures cover: a scan, where the page has no own text
_NESTED = 3  # forms in forms that are searched for pictures


@dataclass(frozen=True)
class _Page:
    """What is kept of a page once it is read."""

    lines: list[TextLine]
    box: Box
    kind: PageKind  # without text: EMPTY, PICTURE or DAMAGED
    is_scan: bool = False  # a picture covers it, so that text on it may be a stamp alone


def load(path: Path, limits: Limits, report: Report) -> Extracted:
    """The text of every page, with the offsets at which pages start."""
    try:
        document = pypdfium2.PdfDocument(path)
    except pypdfium2.PdfiumError as error:
        is_locked = error.err_code == _PDFIUM_PASSWORD_ERROR
        raise UnreadableFile(PASSWORD if is_locked else DAMAGED) from error
    try:
        check_pages(len(document), limits)
        if not len(document):
            raise UnreadableFile(NO_PAGES)
        pages = _pages(document, limits, report)
        bookmarks = _bookmarks(document)
    finally:
        document.close()
    return _extracted(pages, bookmarks)


def _pages(document: pypdfium2.PdfDocument, limits: Limits, report: Report) -> list[_Page]:
    pages: list[_Page] = []
    total = len(document)
    characters = 0
    for number in range(total):
        page = _page(document, number, limits)
        characters += sum(len(line.text) for line in page.lines)
        check_length(characters, limits)
        pages.append(page)
        report((number + 1) * 95 // total, number + 1, total)
    return pages


def _page(document: pypdfium2.PdfDocument, number: int, limits: Limits) -> _Page:
    """One page; without lines where it is damaged."""
    try:
        page = document[number]
    except pypdfium2.PdfiumError:
        return _Page([], Box(0, 0, 0, 0), PageKind.DAMAGED)
    try:
        text_page = page.get_textpage()
        try:
            check_length(text_page.count_chars(), limits)
            return _read(page, text_page)
        finally:
            text_page.close()
    except pypdfium2.PdfiumError:
        return _Page([], Box(0, 0, 0, 0), PageKind.DAMAGED)
    finally:
        page.close()


def _read(page: Any, text_page: Any) -> _Page:
    turn = turning(page.get_rotation())
    left, bottom, right, top = page.get_bbox()
    corners = [turn(left, bottom), turn(right, top)]
    box = around([Box(x, y, x, y) for x, y in corners])
    lines = read_lines(text_page, turn)
    if lines:
        lines = in_reading_order(with_tables(lines, read_rules(page, turn)))
    shows = next(iter(page.get_objects(max_depth=_NESTED)), None) is not None
    return _Page(
        [settled(line) for line in lines],
        box,
        PageKind.PICTURE if shows else PageKind.EMPTY,
        is_scan=_is_covered(page, (right - left) * (top - bottom)),
    )


def _is_covered(page: Any, area: float) -> bool:
    """Whether pictures cover most of a page."""
    covered = 0.0
    for picture in page.get_objects(filter=[pdfium.FPDF_PAGEOBJ_IMAGE], max_depth=_NESTED):
        x0, y0, x1, y1 = picture.get_bounds()
        covered += abs(x1 - x0) * abs(y1 - y0)
        if covered > _PICTURE_SHARE * area:
            return True
    return False


def _extracted(pages: list[_Page], bookmarks: list[tuple[int, str, int]]) -> Extracted:
    kept = without_furniture([page.lines for page in pages], [page.box for page in pages])
    lines = [page.lines for page in kept]
    own = [[line for line in page.lines if id(line) not in page.repeated] for page in kept]
    flow = Flow(hyphenated_words(lines), heading_levels(own))
    for page_lines in lines:
        flow.add_page(page_lines)
    is_stamped = [page.is_scan and left.is_bare for page, left in zip(pages, kept, strict=True)]
    reports = tuple(
        PageReport(number, len(text), page.kind if stamped or not text else PageKind.TEXT)
        for number, (page, text, stamped) in enumerate(
            zip(pages, flow.pages, is_stamped, strict=True), start=1
        )
    )
    warning = without_text(reports, "page")
    text = flow.text
    return Extracted(
        text=text,
        outline=_outline(text, flow.starts, bookmarks) or tuple(flow.headings),
        pages=tuple(min(start, len(text)) for start in flow.starts),
        warnings=(warning,) if warning else (),
        page_count=len(pages),
        page_report=reports,
        is_complete=not warning,
    )


def _bookmarks(document: pypdfium2.PdfDocument) -> list[tuple[int, str, int]]:
    """The document's own table of contents as (level, title, page number from 0)."""
    found: list[tuple[int, str, int]] = []
    try:
        for mark in document.get_toc(max_depth=6):
            destination = mark.get_dest()
            page = destination.get_index() if destination is not None else None
            title = plain_title(clean(normalise(mark.get_title())))
            if title and page is not None:
                found.append((mark.level + 1, title, page))
            if len(found) >= _MAX_BOOKMARKS:
                break
    except pypdfium2.PdfiumError:
        return []
    return found


def _outline(
    text: str, starts: list[int], bookmarks: list[tuple[int, str, int]]
) -> tuple[Heading, ...]:
    """Bookmarks whose title stands as a line of their page; others have no place in the text."""
    found: dict[int, Heading] = {}
    for level, title, page in bookmarks:
        if page >= len(starts):
            continue
        end = starts[page + 1] if page + 1 < len(starts) else len(text)
        at = _line_that_is(title, text, starts[page], end)
        if at is not None:
            found.setdefault(at, Heading(level, title, at))
    return tuple(found[at] for at in sorted(found))


def _line_that_is(title: str, text: str, start: int, end: int) -> int | None:
    wanted = "".join(title.split()).casefold()
    at = start
    for line in text[start:end].split("\n"):
        if len(line) < 400 and "".join(line.split()).casefold().endswith(wanted):
            return at
        at += len(line) + 1
    return None
