"""PPTX by python-pptx: each slide a page with its title as a heading, tables, and notes."""

import re
import warnings
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pptx
from lxml import etree
from pptx.exc import PythonPptxError

from knowledge.ingestion.archive import ZIP_SAYS_NO
from knowledge.ingestion.cleaning import clean
from knowledge.ingestion.decoding import normalise
from knowledge.ingestion.loaders import Report
from knowledge.ingestion.loaders.checks import check_length, check_pages, checked, without_text
from knowledge.ingestion.markdown import plain_title
from knowledge.ingestion.ooxml import POWERPOINT, check_package
from knowledge.ingestion.tables import markdown_table
from knowledge.ingestion.types import (
    Extracted,
    Heading,
    Limits,
    PageKind,
    PageReport,
    UnreadableFile,
)

NO_SLIDES = "The presentation has no slides."
NOTES = "Speaker notes:"
_BETWEEN_SLIDES = "\n\n"
_PPT = "{http://schemas.openxmlformats.org/presentationml/2006/main}"
_RELATIONS = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}"
_DIAGRAM = "{http://schemas.openxmlformats.org/drawingml/2006/diagram}"
_SLIDE_PART = re.compile(r"ppt/slides/[^/]+\.xml")
_TITLES = frozenset({"title", "ctrTitle"})
_BODIES = frozenset({"body", "obj"})
_FURNITURE = frozenset({"sldNum", "dt", "ftr", "hdr", "sldImg"})  # of every slide
_DEEPEST_GROUP = 20
# What a damaged part makes python-pptx raise; it has no errors of its own for them.
_PPTX_SAYS_NO = (
    *ZIP_SAYS_NO, PythonPptxError, KeyError, AttributeError, IndexError, TypeError, SyntaxError,
    AssertionError, RecursionError, etree.LxmlError,
)  # fmt: skip


def load(path: Path, limits: Limits, report: Report) -> Extracted:
    """The text of every slide, with the offsets at which slides start."""
    check_package(path, POWERPOINT, limits)
    _check_slides(path, limits)
    report(10)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            slides = _slides(pptx.Presentation(str(path)), limits, report)
    except _PPTX_SAYS_NO as error:
        raise UnreadableFile(POWERPOINT.damaged) from error
    if not slides:
        raise UnreadableFile(NO_SLIDES)
    return _extracted(slides, limits)


@dataclass(frozen=True)
class _Slide:
    """What a slide says; ``title`` is empty where it has none."""

    title: str
    text: str
    shows: bool  # anything at all


def _check_slides(path: Path, limits: Limits) -> None:
    """Count the slides before python-pptx parses all of them."""
    with zipfile.ZipFile(path) as package:
        count = sum(_SLIDE_PART.fullmatch(name) is not None for name in package.namelist())
    check_pages(count, limits, "slide")


def _slides(presentation: Any, limits: Limits, report: Report) -> list[_Slide]:
    total = len(presentation.slides)
    check_pages(total, limits, "slide")
    slides: list[_Slide] = []
    characters = 0
    for slide in presentation.slides:
        slides.append(_slide(slide))
        characters += len(slides[-1].text)
        check_length(characters, limits)
        report(10 + 85 * len(slides) // total, len(slides), total)
    return slides


def _slide(slide: Any) -> _Slide:
    shapes = list(_flat(slide.shapes))
    title = next((shape for shape in shapes if _placeholder(shape) in _TITLES), None)
    parts = [_shape_text(shape) for shape in sorted(shapes, key=_position) if shape is not title]
    if slide.has_notes_slide:
        parts.append(_notes(slide.notes_slide))
    return _Slide(
        title=plain_title(_line(title.text_frame.text)) if title is not None else "",
        text="\n\n".join(part for part in parts if part),
        shows=any(_placeholder(shape) not in _FURNITURE for shape in shapes),
    )


def _flat(shapes: Iterable[Any], depth: int = 0) -> Iterator[Any]:
    """Shapes with those of groups in place of the groups."""
    for shape in shapes:
        if shape.element.tag == f"{_PPT}grpSp":
            if depth < _DEEPEST_GROUP:
                yield from _flat(shape.shapes, depth + 1)
        else:
            yield shape


def _placeholder(shape: Any) -> str:
    """The type of a placeholder as the file has it; empty for other shapes."""
    found = next(shape.element.iter(f"{_PPT}ph"), None)
    return "" if found is None else str(found.get("type", "obj"))


def _position(shape: Any) -> tuple[int, int]:
    """From top to bottom, then from left to right; a broken placeholder comes first."""
    try:
        return int(shape.top or 0), int(shape.left or 0)
    except _PPTX_SAYS_NO:  # its layout has nothing to inherit from
        return 0, 0


def _shape_text(shape: Any) -> str:
    if _placeholder(shape) in _FURNITURE:
        return ""
    if getattr(shape, "has_table", False):
        return markdown_table([[cell.text for cell in row.cells] for row in shape.table.rows])
    if getattr(shape, "has_chart", False):
        return _chart(shape.chart)
    if shape.has_text_frame:
        return _paragraphs(shape.text_frame, is_list=_placeholder(shape) in _BODIES)
    return _diagram(shape)


def _paragraphs(frame: Any, *, is_list: bool) -> str:
    """Paragraphs; the points of a slide's body as a list with its levels."""
    found = [(paragraph.level, _line(paragraph.text)) for paragraph in frame.paragraphs]
    filled = [(level, text) for level, text in found if text]
    if is_list and len(filled) > 1:
        return "\n".join(f"{'  ' * level}- {text}" for level, text in filled)
    return "\n\n".join(text for _, text in filled)


def _chart(chart: Any) -> str:
    """A chart's title and its numbers as a table: a row a category, a column a series."""
    title = _line(chart.chart_title.text_frame.text) if chart.has_title else ""
    plot = next(iter(chart.plots), None)
    if plot is None:
        return title
    series = list(plot.series)
    head = ["", *(_line(one.name or "") for one in series)]
    columns = [list(one.values) for one in series]
    rows = [
        [_line(str(category)), *(_value(column, number) for column in columns)]
        for number, category in enumerate(plot.categories)
    ]
    return "\n\n".join(part for part in (title, markdown_table([head, *rows])) if part)


def _value(values: list[float | None], number: int) -> str:
    value = values[number] if number < len(values) else None
    return "" if value is None else f"{value:.15g}"


def _diagram(shape: Any) -> str:
    """The words of SmartArt, which stand in a part of their own."""
    link = next(shape.element.iter(f"{_DIAGRAM}relIds"), None)
    part = link is not None and shape.part.rels.get(link.get(f"{_RELATIONS}dm"))
    if not part or part.is_external:
        return ""
    tree = etree.fromstring(part.target_part.blob, etree.XMLParser(resolve_entities=False))
    points = ["".join(body.itertext()) for body in tree.iter(f"{_DIAGRAM}t")]
    return "\n".join(f"- {text}" for text in map(_line, points) if text)


def _notes(notes: Any) -> str:
    frame = notes.notes_text_frame
    text = _paragraphs(frame, is_list=False) if frame is not None else ""
    return f"{NOTES}\n\n{text}" if text else ""


def _line(text: str) -> str:
    return " ".join(clean(normalise(text)).split())


def _extracted(slides: list[_Slide], limits: Limits) -> Extracted:
    starts: list[int] = []
    headings: list[Heading] = []
    reports: list[PageReport] = []
    texts: list[str] = []
    at = 0
    for number, slide in enumerate(slides, start=1):
        text = _page_text(slide, number)
        if text:
            title = slide.title or f"Slide {number}"
            headings.append(Heading(1, title, at))
        without = PageKind.PICTURE if slide.shows else PageKind.EMPTY
        reports.append(PageReport(number, len(text), PageKind.TEXT if text else without))
        starts.append(at)
        texts.append(text)
        at += len(text) + len(_BETWEEN_SLIDES)
    warning = without_text(reports, "slide")
    whole = checked(_BETWEEN_SLIDES.join(texts), limits)
    return Extracted(
        text=whole,
        outline=tuple(headings),
        pages=tuple(min(start, len(whole)) for start in starts),
        warnings=(warning,) if warning else (),
        page_count=len(slides),
        page_report=tuple(reports),
        is_complete=not warning,
    )


def _page_text(slide: _Slide, number: int) -> str:
    """The slide under its title; one without a title is named by its number, for what is above it
    is not its heading."""
    if not slide.title and not slide.text:
        return ""
    return "\n\n".join(filter(None, (f"# {slide.title or f'Slide {number}'}", slide.text)))
