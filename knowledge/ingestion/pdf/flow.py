"""Lines of pages into one text: words joined over line ends, paragraphs parted, tables apart."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from statistics import median

from knowledge.ingestion.cleaning import clean
from knowledge.ingestion.decoding import normalise
from knowledge.ingestion.markdown import plain_title
from knowledge.ingestion.pdf.words import HYPHEN, TextLine
from knowledge.ingestion.types import Heading

BETWEEN_PAGES = "\n\n"
_PARAGRAPH = "\n\n"
_SHORT_LINE = 0.75  # of the page's long lines: shorter ends a paragraph or is a heading
_WIDER_GAP = 0.35  # of a line's height above the usual gap: a paragraph ends
_SAME_COLUMN = 5.0  # points by which the borders of one table differ from page to page
_BULLET = re.compile("[•◦▪‣●○■\uf0b7]\\s{0,8}")
_LAST_PART = re.compile(r"[^\W\d_]{1,40}$")
_FIRST_PART = re.compile(r"[^\W\d_]{1,40}")
_HYPHENATED = re.compile(r"(?<![^\W\d_])[^\W\d_]{1,40}-[^\W\d_]{1,40}")


@dataclass
class Flow:
    """The text of a document as its pages are added.

    ``hyphenated`` has the words that the document writes with a hyphen inside a line, ``levels``
    those of headings by ``id(line)``.
    """

    hyphenated: frozenset[str] = frozenset()
    levels: dict[int, int] = field(default_factory=dict)
    headings: list[Heading] = field(default_factory=list)
    starts: list[int] = field(default_factory=list)
    pages: list[str] = field(default_factory=list)
    _length: int = 0
    _last: TextLine | None = None  # of the page before
    _head: str = ""  # where that is a table

    @property
    def text(self) -> str:
        return BETWEEN_PAGES.join(self.pages)

    def add_page(self, lines: Sequence[TextLine]) -> None:
        """Append a page; it may be empty."""
        shown = [(line, text) for line in lines if (text := _readable(line))]
        separators = _separators([line for line, _ in shown], [text for _, text in shown])
        page = _PageText(self.hyphenated)
        before: TextLine | None = None
        spans: list[tuple[int, int, int]] = []  # level, start and end of headings on the page
        for (line, read), separator in zip(shown, separators, strict=True):
            text = self._with_head(line, read) if before is None else read
            level = self.levels.get(id(line), 0)
            is_same = before is not None and self.levels.get(id(before), 0) == level
            joint = separator if is_same else _PARAGRAPH
            page.add(text, joint)
            if level and is_same and joint == "\n" and spans:  # a heading of two lines is one
                spans[-1] = (level, spans[-1][1], page.length)
            elif level:
                spans.append((level, page.length - len(text), page.length))
            before = line
            self._head = text.partition("\n")[0]
        self._close_page(page.text, spans)
        self._last = before or self._last

    def _close_page(self, text: str, spans: list[tuple[int, int, int]]) -> None:
        for level, start, end in spans:
            title = plain_title(text[start:end].replace("\n", " "))
            if title:
                self.headings.append(Heading(level, title, self._length + start))
        self.starts.append(self._length)
        self.pages.append(text)
        self._length += len(text) + len(BETWEEN_PAGES)

    def _with_head(self, line: TextLine, text: str) -> str:
        """A table that goes on over a page gets its head again, as its rows need it."""
        last = self._last
        if last is None or not _same_columns(last, line):
            return text
        first, rule, *rows = text.split("\n")
        return text if first == self._head else "\n".join([self._head, rule, first, *rows])


class _PageText:
    """One page as it grows; words that a line end broke become one."""

    def __init__(self, hyphenated: frozenset[str]) -> None:
        self._hyphenated = hyphenated
        self._parts: list[str] = []
        self.length = 0

    @property
    def text(self) -> str:
        return "".join(self._parts).replace(HYPHEN, "-")

    def add(self, text: str, separator: str) -> None:
        """Append a line; the separator counts only where no broken word goes on."""
        if self._parts and self._parts[-1].endswith(HYPHEN):
            before = self._parts[-1][:-1]
            self.length -= 1
            self._parts[-1] = before
            separator = "-" if _keeps_hyphen(before, text, self._hyphenated) else ""
        elif not self._parts:
            separator = ""
        self._parts.extend((separator, text))
        self.length += len(separator) + len(text)


def hyphenated_words(pages: Iterable[Sequence[TextLine]]) -> frozenset[str]:
    """The words that a document itself writes with a hyphen, folded."""
    return frozenset(
        word.casefold()
        for lines in pages
        for line in lines
        if "-" in line.text
        for word in _HYPHENATED.findall(line.text)
    )


def _keeps_hyphen(before: str, after: str, hyphenated: frozenset[str]) -> bool:
    """Whether a hyphen at a line end was written, or only marks where the line ends.

    It was where a capital or a digit follows, and where the document writes the word so elsewhere.
    """
    if after[:1].isupper() or after[:1].isdigit():
        return True
    left, right = _LAST_PART.search(before[-50:]), _FIRST_PART.match(after)
    if left is None or right is None:
        return False
    return f"{left.group()}-{right.group()}".casefold() in hyphenated


def _readable(line: TextLine) -> str:
    """The line's text, clean; bullets as list items."""
    if line.is_table:
        return clean(normalise(line.text.replace(HYPHEN + " ", "").replace(HYPHEN, "")))
    shown = _BULLET.sub("- ", clean(normalise(line.text))).strip()
    return shown + HYPHEN if shown and line.text.endswith(HYPHEN) else shown


def _same_columns(before: TextLine, after: TextLine) -> bool:
    if not before.is_table or len(before.columns) != len(after.columns):
        return False
    pairs = zip(before.columns, after.columns, strict=True)
    return all(abs(left - right) < _SAME_COLUMN for left, right in pairs)


def _separators(lines: Sequence[TextLine], texts: Sequence[str]) -> list[str]:
    """What stands before each line: PDF knows lines, not paragraphs.

    A line's end ends a paragraph where the line is short and a capital follows, where the gap below
    is wider than usual, and around tables.
    """
    lengths = sorted(len(text) for line, text in zip(lines, texts, strict=True) if line.size)
    full = lengths[int(len(lengths) * 0.75)] if lengths else 0
    gaps = [max(_gap(above, below), 0.0) for above, below in pairwise(lines)]
    usual = median(gaps) if gaps else 0.0
    found = [""]
    for number, (above, below) in enumerate(pairwise(lines)):
        text, following = texts[number], texts[number + 1]
        starts_anew = following[:1].isupper() or following.startswith("- ")
        is_short = len(text) < _SHORT_LINE * full and starts_anew
        is_wide = gaps[number] > usual + _WIDER_GAP * above.size
        is_table = above.is_table or below.is_table
        found.append(_PARAGRAPH if is_short or is_wide or is_table else "\n")
    return found[: len(lines)]


def _gap(above: TextLine, below: TextLine) -> float:
    """Points of white between two lines; below 0 where the text goes on in another column."""
    return above.box.bottom - below.box.top
