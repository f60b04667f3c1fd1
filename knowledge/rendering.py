"""A document's text as a page: sanitised, with the cited span marked and places to jump to.

Texts are long. Above ``PART_CHARS`` the page shows one part at a time: the one that holds the
passage, or the one that was asked for.
"""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from django.utils.html import format_html, linebreaks
from django.utils.safestring import SafeString, mark_safe

from core.markdown import render
from core.spans import Edit, Sign, cut, fit, put_signs, without_signs
from core.weaving import Plain, weave
from knowledge.models import DocumentVersion

PART_CHARS = 120_000  # about 0.3 s to render on the machine of reference
OUTLINE_ENTRIES = 400
_PLAIN_TYPES = {"text/plain", "application/pdf"}


@dataclass(frozen=True)
class Passage:
    """A span of the version's text, or nothing when ``start == end``."""

    start: int = 0
    end: int = 0

    def within(self, start: int, end: int) -> tuple[int, int] | None:
        first, last = max(self.start, start), min(self.end, end)
        return (first - start, last - start) if first < last else None


@dataclass(frozen=True)
class Entry:
    """A heading of the outline; ``part`` is the part of the document that holds it."""

    index: int
    level: int
    title: str
    part: int
    is_here: bool  # the passage stands below it


@dataclass(frozen=True)
class Sheet:
    """A page of the original, or all of a document without pages (``number`` is 0)."""

    number: int
    html: SafeString


@dataclass(frozen=True)
class View:
    """What the page shows of a version."""

    sheets: Sequence[Sheet]
    outline: Sequence[Entry]
    part: int  # from 1
    parts: int
    has_passage: bool


class _Marked(Plain):
    """The passage as highlighter, headings as places to jump to."""

    def __init__(self) -> None:
        self.is_named = False

    def opening(self, index: int, *, first: bool) -> tuple[str, str]:
        if self.is_named:
            return '<mark class="passage">', ""
        self.is_named = True
        return '<mark class="passage" id="passage" tabindex="-1">', ""

    def closing(self) -> tuple[str, str]:
        return "</mark>", ""

    def anchor(self, index: int) -> str:
        return format_html('<span class="place" id="s{}"></span>', index)


@dataclass(frozen=True)
class _Heading:
    level: int
    title: str
    start: int


@dataclass(frozen=True)
class _Text:
    """A version's text without our signs, and its structure; offsets are the version's own."""

    text: str
    headings: Sequence[_Heading]
    pages: Sequence[int]
    is_plain: bool

    @property
    def starts(self) -> list[int]:
        return [heading.start for heading in self.headings]

    @property
    def top(self) -> int:
        """The level of its largest headings, which the page sets right below the title."""
        return min((heading.level for heading in self.headings), default=1)

    def sheets(self, start: int, end: int) -> list[tuple[int, int, int]]:
        """(page number, first, last) of what lies between; without pages, one with 0."""
        if not self.pages:
            return [(0, start, end)]
        bounds = [0, *self.pages[1:], len(self.text)]
        clipped = [
            (number, max(first, start), min(last, end))
            for number, (first, last) in enumerate(pairwise(bounds), start=1)
        ]
        return [sheet for sheet in clipped if sheet[1] < sheet[2]]

    def html(self, start: int, end: int, passage: Passage, marked: "_Marked") -> SafeString:
        """What lies between two offsets, sanitised, with the passage and the places in it."""
        piece = self.text[start:end]
        edits = self._places(piece, start)
        span = passage.within(start, end)
        if span is not None and not self.is_plain:
            span = fit(piece, *span)
        if span is not None:
            edits += [Edit(span[0], Sign.OPEN, 0), Edit(span[1], Sign.CLOSE, 0)]
        signed = put_signs(piece, edits)
        safe = (
            linebreaks(signed, autoescape=True)
            if self.is_plain
            else render(signed, first_heading=3 - self.top)
        )
        return mark_safe(weave(safe, marked))  # noqa: S308 (escaped or sanitised just above)

    def _places(self, piece: str, start: int) -> list[Edit]:
        edits = []
        for index, at in enumerate(self.starts):
            if start <= at < start + len(piece):
                line_end = piece.find("\n", at - start)
                line = fit(piece, at - start, len(piece) if line_end < 0 else line_end)
                if line:
                    edits.append(Edit(line[0], Sign.ANCHOR, index))
        return edits


def view(
    version: DocumentVersion, passage: Passage, part: int | None = None, title: str = ""
) -> View:
    """One part of a version's text, with the passage marked if it stands there.

    Args:
        version: with its text.
        passage: in code points of the text; may reach beyond it.
        part: from 1; None chooses the part with the passage.
        title: what the page says above the text; a first line that only repeats it is left out.
    """
    text = _read(version, passage, title)
    ranges = cut(text.text, PART_CHARS, sorted({*text.starts, *text.pages}))
    chosen = _chosen(ranges, passage, part)
    marked = _Marked()
    sheets = [
        Sheet(number, text.html(first, last, passage, marked))
        for number, first, last in text.sheets(*ranges[chosen])
    ]
    return View(
        sheets=sheets,
        outline=_outline(text, ranges, passage),
        part=chosen + 1,
        parts=len(ranges),
        has_passage=marked.is_named,
    )


def _read(version: DocumentVersion, passage: Passage, title: str) -> _Text:
    text = without_signs(version.text)
    headings = [
        _Heading(max(1, int(one["level"])), str(one["title"]), min(int(one["start"]), len(text)))
        for one in version.outline[:OUTLINE_ENTRIES]
    ]
    repeated = _repeated_title(text, title, passage)
    if repeated:
        text = " " * repeated + text[repeated:]
        headings = [heading for heading in headings if heading.start >= repeated]
    pages = [min(int(start), len(text)) for start in version.pages]
    return _Text(text, headings, pages, version.media_type in _PLAIN_TYPES)


def _repeated_title(text: str, title: str, passage: Passage) -> int:
    """The length of a first line that says what the page's title says; 0 if it is quoted."""
    end = max(0, text.find("\n"))
    is_quoted = passage.start < min(passage.end, end)
    same = text[:end].lstrip("# ").strip().casefold() == title.casefold()
    return end if same and not is_quoted else 0


def _chosen(ranges: Sequence[tuple[int, int]], passage: Passage, part: int | None) -> int:
    if part is not None:
        return min(max(part, 1), len(ranges)) - 1
    if passage.start >= passage.end:
        return 0
    found = bisect_right([start for start, _ in ranges], passage.start) - 1
    return max(0, found)


def _outline(text: _Text, ranges: Sequence[tuple[int, int]], passage: Passage) -> list[Entry]:
    is_set = passage.start < passage.end
    here = bisect_right(text.starts, passage.start) - 1 if is_set else -1
    first_offsets = [start for start, _ in ranges]
    return [
        Entry(
            index=index,
            level=min(heading.level - text.top + 1, 3),
            title=heading.title,
            part=bisect_right(first_offsets, heading.start),
            is_here=index == here,
        )
        for index, heading in enumerate(text.headings)
    ]
