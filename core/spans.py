"""Ranges of a Markdown text carried through rendering, so that our own elements can stand there.

Offsets into Markdown mean nothing in HTML. So signs that Markdown takes for punctuation are put
at the offsets before rendering, and replaced by elements in the sanitised HTML after it. A text
that holds such signs itself loses them first, so it cannot forge an element.

    html = core.weaving.weave(render(put_signs(without_signs(text), edits)), dressing)
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum

# Byzantine musical signs: category So, so emphasis beside them opens and closes as beside a comma.
_FIRST, _END = "\U0001d000", "\U0001d00f"
SIGN = re.compile(f"([{_FIRST}-\U0001d003])([0-9]+){_END}")
SIGN_IN_ADDRESS = re.compile(r"%F0%9D%80%8[0-3][0-9]+%F0%9D%80%8F")


class Sign(IntEnum):
    """In the order in which signs at one offset stand."""

    NOTE = 0  # a footnote mark, by number
    CLOSE = 1  # the end of a range, by index
    ANCHOR = 2  # a place to jump to, by index
    OPEN = 3  # the beginning of a range, by index


@dataclass(frozen=True, order=True)
class Edit:
    """Put a sign at an offset."""

    at: int
    sign: Sign
    index: int


def sign_of(character: str) -> Sign:
    return Sign(ord(character) - ord(_FIRST))


def without_signs(text: str) -> str:
    """The text with characters of ours replaced, one for one: offsets stay what they are."""
    return re.sub(f"[{_FIRST}-{_END}]", "\ufffd", text)


def put_signs(text: str, edits: Iterable[Edit], drops: Iterable[tuple[int, int]] = ()) -> str:
    """The text with each sign at its offset and without the dropped ranges.

    A sign inside a dropped range stands behind it.
    """
    events: list[tuple[int, int, int, str]] = [
        (edit.at, edit.sign, edit.at, f"{chr(ord(_FIRST) + edit.sign)}{edit.index}{_END}")
        for edit in edits
    ]
    events += [(start, -1, end, "") for start, end in drops]
    parts, cursor = [], 0
    for at, _, until, words in sorted(events, key=lambda event: event[:2]):
        at_least = max(at, cursor)
        parts += [text[cursor:at_least], words]
        cursor = max(at_least, until)
    return "".join([*parts, text[cursor:]])


# What begins a line and is not its text: list and quote marks, heading signs, a table's edge.
_PREFIX = re.compile(
    r"(?:[ \t]*(?:(?:[-*+]|\d{1,9}[.)]|#{1,6})(?=[ \t]|$)|>|\|)[ \t]?)*[ \t]*", re.MULTILINE
)
# A line without text: a fence, a rule, a table's second row, nothing.
_BARE = re.compile(r"[ \t]*(?:(?:`{3,}|~{3,})[^\n]*|[|:=\-*_ \t]*)")
_EMPHASIS = "*_~"


@dataclass(frozen=True)
class _Line:
    """The line of a text in which an offset lies; ``first`` is where its own words begin."""

    start: int
    end: int
    first: int
    is_bare: bool


def _line(text: str, at: int) -> _Line:
    start = text.rfind("\n", 0, at) + 1
    end = text.find("\n", at)
    end = len(text) if end < 0 else end
    prefix = _PREFIX.match(text, start, end)
    first = prefix.end() if prefix else start
    return _Line(start, end, first, _BARE.fullmatch(text, start, end) is not None)


def fit(text: str, start: int, end: int) -> tuple[int, int] | None:
    """The range moved inwards to where signs disturb no structure; None if no words are left."""
    start, end = max(0, start), min(len(text), end)
    first = _fit_start(text, start, end)
    last = None if first is None else _fit_end(text, first, end)
    return None if first is None or last is None or last <= first else (first, last)


def _fit_start(text: str, start: int, end: int) -> int | None:
    while start < end:
        line = _line(text, start)
        start = max(start, line.first)
        while start < line.end and text[start].isspace():
            start += 1
        if not line.is_bare and start < line.end:
            start = _out_of_link(text, line, start)
            while start > line.first and text[start - 1] in _EMPHASIS + "\\":
                start -= 1
            return start
        start = line.end + 1
    return None


def _fit_end(text: str, start: int, end: int) -> int | None:
    while end > start:
        line = _line(text, end - 1)
        while end > line.first and (text[end - 1].isspace() or text[end - 1] == "|"):
            end -= 1
        if not line.is_bare and end > line.first:
            end = _out_of_link(text, line, end)
            while end < line.end and text[end] in _EMPHASIS:
                end += 1
            return end + 1 if text[end - 1] == "\\" and end < line.end else end
        end = line.start - 1 if line.start else 0
    return None


def _out_of_link(text: str, line: _Line, at: int) -> int:
    """Behind the link in whose address the offset lies, else the offset."""
    opening = text.rfind("](", line.start, at + 1)
    if opening < 0 or ")" in text[opening:at]:
        return at
    closing = text.find(")", at, line.end)
    return at if closing < 0 else closing + 1


def cut(text: str, limit: int, breaks: Sequence[int]) -> list[tuple[int, int]]:
    """The text as ranges of at most about ``limit`` characters.

    A range ends at the last of ``breaks`` (headings, pages; ascending) that fits, else at a blank
    line, else at a line's end, else at the limit.
    """
    ranges, start = [], 0
    while len(text) - start > limit:
        ranges.append((start, _break_before(text, start, start + limit, breaks)))
        start = ranges[-1][1]
    return [*ranges, (start, len(text))]


def _break_before(text: str, start: int, limit: int, breaks: Sequence[int]) -> int:
    least = start + (limit - start) // 4
    fitting = [at for at in breaks if least <= at <= limit]
    if fitting:
        return fitting[-1]
    for ending in ("\n\n", "\n", " "):
        found = text.rfind(ending, least, limit)
        if found > 0:
            return found + len(ending)
    return limit
