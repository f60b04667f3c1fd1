"""The words and lines of one page with their boxes, in the order in which PDFium reads them.

Boxes are in points with y upwards, turned so that the page's text runs from left to right.
"""

import ctypes
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import isfinite
from typing import Any

import pypdfium2.raw as pdfium

# PDFium's marks of a word broken at a line end; the rest of the word follows on the next line.
HYPHEN = "\x02"
_HYPHENS = frozenset("\x02\ufffe")
_LINE_ENDS = frozenset("\r\n")

Turn = Callable[[float, float], tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle; ``top`` is above ``bottom``."""

    x0: float
    bottom: float
    x1: float
    top: float

    @property
    def height(self) -> float:
        return self.top - self.bottom

    @property
    def middle(self) -> tuple[float, float]:
        return (self.x0 + self.x1) / 2, (self.bottom + self.top) / 2


@dataclass(frozen=True, slots=True)
class Word:
    """A run without white space. It ends with HYPHEN where the page breaks it."""

    text: str
    box: Box
    is_bold: bool = False


@dataclass(frozen=True, slots=True)
class Line:
    """Words that stand on one line, or a whole table as the Markdown in ``table``."""

    words: tuple[Word, ...]
    box: Box
    table: str = ""
    columns: tuple[float, ...] = ()  # where a table's columns begin and end


@dataclass(frozen=True, slots=True)
class TextLine:
    """A line once its page is read: its words are one text, which takes a tenth of the room."""

    text: str
    box: Box
    size: float = 0.0  # the height of its tallest letters; 0 for a table
    begins_size: float = 0.0  # of the smallest of its first words
    is_bold: bool = False
    columns: tuple[float, ...] = ()  # of a table; empty for a line

    @property
    def is_table(self) -> bool:
        return bool(self.columns)


def settled(line: Line) -> TextLine:
    """The line without its words' boxes."""
    heights = [_letter_height(word) for word in line.words]
    return TextLine(
        text=line.table or " ".join(word.text for word in line.words),
        box=line.box,
        size=max(heights, default=0.0),
        begins_size=min(heights[:3], default=0.0),
        is_bold=bool(line.words) and all(word.is_bold for word in line.words),
        columns=line.columns,
    )


def _letter_height(word: Word) -> float:
    """The height of its letters, which is the width of a word that runs up or down the page."""
    width = word.box.x1 - word.box.x0
    runs_upright = len(word.text) > 2 and word.box.height > 3 * width
    return width if runs_upright else word.box.height


def line_of(words: list[Word]) -> Line:
    """A line of at least one word."""
    return Line(tuple(words), around([word.box for word in words]))


def around(boxes: list[Box]) -> Box:
    """The smallest box that holds all."""
    return Box(
        min(box.x0 for box in boxes),
        min(box.bottom for box in boxes),
        max(box.x1 for box in boxes),
        max(box.top for box in boxes),
    )


def turning(rotation: int) -> Turn:
    """How a page's coordinates are turned that is shown turned by so many degrees clockwise."""
    turns: dict[int, Turn] = {
        90: lambda x, y: (y, -x),
        180: lambda x, y: (-x, -y),
        270: lambda x, y: (-y, x),
    }
    return turns.get(rotation, lambda x, y: (x, y))


def read_lines(text_page: Any, turn: Turn) -> list[Line]:
    """All lines of a page, in PDFium's order."""
    lines: list[Line] = []
    words: list[Word] = []
    for word in _words(text_page.raw, text_page.count_chars(), turn):
        if word is not None:
            words.append(word)
        if words and (word is None or word.text.endswith(HYPHEN)):
            lines.append(line_of(words))
            words = []
    if words:
        lines.append(line_of(words))
    return lines


def _words(raw: Any, total: int, turn: Turn) -> Iterator[Word | None]:
    """Words, and None where a line ends."""
    letters: list[str] = []
    first = 0
    for index in range(total):
        character = chr(pdfium.FPDFText_GetUnicode(raw, index) or 0xFFFD)
        is_hyphen = character in _HYPHENS
        if not is_hyphen and not character.isspace():
            if not letters:
                first = index
            letters.append(character)
            continue
        if letters:
            yield _word(raw, (first, index - 1), "".join(letters) + HYPHEN * is_hyphen, turn)
            letters = []
        if character in _LINE_ENDS:
            yield None
    if letters:
        yield _word(raw, (first, total - 1), "".join(letters), turn)


_BOLD = 600  # the weight of a semi-bold font; normal is 400


def _word(raw: Any, ends: tuple[int, int], text: str, turn: Turn) -> Word:
    first, last = ends
    box = around([_box(raw, first, turn), _box(raw, last, turn)])
    return Word(text, box, pdfium.FPDFText_GetFontWeight(raw, first) >= _BOLD)


def _box(raw: Any, index: int, turn: Turn) -> Box:
    """The box of a character as tall as its font, so that one line has one height."""
    rect = pdfium.FS_RECTF()
    if not pdfium.FPDFText_GetLooseCharBox(raw, index, ctypes.byref(rect)):
        return Box(0.0, 0.0, 0.0, 0.0)
    if not all(map(isfinite, (rect.left, rect.bottom, rect.right, rect.top))):
        return Box(0.0, 0.0, 0.0, 0.0)
    x0, y0 = turn(rect.left, rect.bottom)
    x1, y1 = turn(rect.right, rect.top)
    return Box(min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1))
