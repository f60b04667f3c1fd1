"""The straight lines drawn on a page: the rules and borders that tables are made of."""

import ctypes
from collections.abc import Iterator
from dataclasses import dataclass
from math import isfinite
from typing import Any

import pypdfium2.raw as pdfium

from knowledge.ingestion.pdf.words import Turn

_MOST_SEGMENTS = 4000  # a page with more is a drawing or a map
_STRAIGHT = 1.0  # points by which a straight line may lean
_SHORTEST = 4.0  # points; the sides of a thin rectangle that draws a line are shorter
_JOIN = 3.0  # points between two pieces of one line, or two lines that are one border

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Rule:
    """A line at one coordinate from ``begin`` to ``end`` of the other."""

    at: float
    begin: float
    end: float

    def covers(self, place: float) -> bool:
        """Whether the line passes a place, give or take a gap."""
        return self.begin - _JOIN <= place <= self.end + _JOIN


@dataclass(frozen=True, slots=True)
class Rules:
    """The lines of a page; ``at`` is y of the level ones and x of the upright ones."""

    level: tuple[Rule, ...] = ()
    upright: tuple[Rule, ...] = ()


def read_rules(page: Any, turn: Turn) -> Rules:
    """The rules of a page; none where it is drawn too richly to be a table."""
    level: list[Rule] = []
    upright: list[Rule] = []
    for count, (begin, end) in enumerate(_strokes(page, turn)):
        if count > _MOST_SEGMENTS:
            return Rules()
        (x0, y0), (x1, y1) = begin, end
        if not all(map(isfinite, (x0, y0, x1, y1))):
            continue
        if abs(y1 - y0) <= _STRAIGHT and abs(x1 - x0) >= _SHORTEST:
            level.append(Rule((y0 + y1) / 2, min(x0, x1), max(x0, x1)))
        elif abs(x1 - x0) <= _STRAIGHT and abs(y1 - y0) >= _SHORTEST:
            upright.append(Rule((x0 + x1) / 2, min(y0, y1), max(y0, y1)))
    return Rules(_merged(level), _merged(upright))


def _strokes(page: Any, turn: Turn) -> Iterator[tuple[Point, Point]]:
    for path in page.get_objects(filter=[pdfium.FPDF_PAGEOBJ_PATH], max_depth=1):
        matrix = path.get_matrix()

        def placed(x: float, y: float, matrix: Any = matrix) -> Point:
            return turn(
                matrix.a * x + matrix.c * y + matrix.e, matrix.b * x + matrix.d * y + matrix.f
            )

        yield from _segments(path.raw, placed)


def _segments(raw: Any, placed: Turn) -> Iterator[tuple[Point, Point]]:
    x, y = ctypes.c_float(), ctypes.c_float()
    first = here = (0.0, 0.0)
    for index in range(max(pdfium.FPDFPath_CountSegments(raw), 0)):
        segment = pdfium.FPDFPath_GetPathSegment(raw, index)
        pdfium.FPDFPathSegment_GetPoint(segment, ctypes.byref(x), ctypes.byref(y))
        there = placed(x.value, y.value)
        kind = pdfium.FPDFPathSegment_GetType(segment)
        if kind == pdfium.FPDF_SEGMENT_MOVETO:
            first = there
        elif kind == pdfium.FPDF_SEGMENT_LINETO:
            yield here, there
        here = there
        if pdfium.FPDFPathSegment_GetClose(segment):
            yield here, first


def _merged(rules: list[Rule]) -> tuple[Rule, ...]:
    """Lines that lie on each other made one; every border is drawn several times."""
    done: list[Rule] = []
    for group in _near(rules):
        at = sum(rule.at for rule in group) / len(group)
        begin, end = None, 0.0
        for rule in sorted(group, key=lambda rule: rule.begin):
            if begin is not None and rule.begin <= end + _JOIN:
                end = max(end, rule.end)
                continue
            if begin is not None:
                done.append(Rule(at, begin, end))
            begin, end = rule.begin, rule.end
        if begin is not None:
            done.append(Rule(at, begin, end))
    return tuple(done)


def _near(rules: list[Rule]) -> Iterator[list[Rule]]:
    """Groups of lines at nearly one coordinate."""
    group: list[Rule] = []
    for rule in sorted(rules, key=lambda rule: rule.at):
        if group and rule.at - group[0].at > _JOIN:
            yield group
            group = []
        group.append(rule)
    if group:
        yield group
