"""Where sentences end: in prose, in lists, tables and code, and in scripts without spaces.

Linear in the text: each pattern starts only where a run starts, and looks back a fixed distance.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from knowledge.ingestion.markdown import with_fences


class Kind(Enum):
    """What a segment is; all but PROSE and ITEM are single lines."""

    PROSE = "prose"
    ITEM = "item"
    ROW = "row"
    CODE = "code"
    HEADING = "heading"


@dataclass(frozen=True)
class Segment:
    """A sentence, table row, line of code or heading: ``text[start:end]`` without outer blanks."""

    start: int
    end: int
    kind: Kind


_ITEM = re.compile(r"[ \t]{0,40}(?:[-*+•]|\d{1,4}[.)]|\(?[a-zA-Z][.)])[ \t]")
_HEADING = re.compile(r" {0,3}#{1,6}(?:[ \t]|$)")
_UNDERLINE = re.compile(r" {0,3}(?:={2,}|-{2,})[ \t]*$")
_CLOSERS = "\"'”’»›)\\]*_`"
# A run of terminators with the quotes and brackets that close it, before white space; or one of
# scripts that put no space behind it. The look-behind keeps a long run from being tried at each
# of its characters.
_END = re.compile(
    rf"(?<![.!?…؟۔।])[.!?…؟۔।]++[{_CLOSERS}]*+(?=\s|$)|(?<![。！？｡])[。！？｡]++[」』”’）》]*+"
)
_SPACE = re.compile(r"\s*")
_WORD_BEFORE = re.compile(r"[^\W\d_](?:[^\W\d_]|\.){0,14}$")
_NUMBER_BEFORE = re.compile(r"^\W{0,3}\d{1,3}$")
_LONGEST_WORD = 16
_ABBREVIATION_WORDS = """
al approx apr art aug ave bldg bzw ca cap capt cf ch chap cmd co col corp dec dept dr ed eds eq
esp est etc ex e.g feb fig figs fr ft gen gov hr i.e inc incl jan jr jul jun lt ltd m.sc mar max min
mr mrs ms mt mx nat no nos nov nr oct op p.a p.m a.m ph ph.d pl pp prof pt rd ref refs resp rev
sec sect sen sep sept sgt sr st str tab tel u.a u.k u.s univ usw v viz vol vols vs z.b d.h
"""
_ABBREVIATIONS = frozenset(_ABBREVIATION_WORDS.split())
# These end a sentence as often as not; before a capital they are taken to.
_MAY_END = frozenset({"al", "etc", "inc", "ltd", "co", "corp", "jr", "sr", "a.m", "p.m", "usw"})


def sentence_spans(text: str) -> list[tuple[int, int]]:
    """The sentences of a text as (start, end), in order, disjoint, covering all that is not blank.

    A heading, list item's first line, table row or line of code begins a sentence of its own.
    """
    return [(segment.start, segment.end) for segment in segments(text)]


def segments(text: str, heading_starts: frozenset[int] = frozenset()) -> list[Segment]:
    """The same with kinds; lines at ``heading_starts`` are headings whatever they look like."""
    found: list[Segment] = []
    for start, end, kind in _blocks(text, heading_starts):
        if kind in {Kind.PROSE, Kind.ITEM}:
            found.extend(Segment(*span, kind) for span in _sentences(text, start, end))
        else:
            found.extend(Segment(*span, kind) for span in _trimmed(text, start, end))
    return found


def _blocks(text: str, heading_starts: frozenset[int]) -> Iterator[tuple[int, int, Kind]]:
    """Runs of lines of one kind; rows, code and headings line by line."""
    begin, end, kind = 0, 0, Kind.PROSE  # the open run of prose or item; empty when begin == end
    for start, line, is_code in with_fences(text):
        this = _kind(start, line, heading_starts, is_code=is_code)
        if this is Kind.PROSE and begin < end:
            end = start + len(line)
            if _UNDERLINE.match(line):
                yield begin, end, kind
                begin = end
            continue
        if begin < end:
            yield begin, end, kind
        begin = end = start
        if this in {Kind.PROSE, Kind.ITEM}:
            end, kind = start + len(line), this
        elif this is not None:
            yield start, start + len(line), this
    if begin < end:
        yield begin, end, kind


def _kind(start: int, line: str, heading_starts: frozenset[int], *, is_code: bool) -> Kind | None:
    """What a line begins or is; None for a blank one."""
    if not line.strip():
        return None
    if is_code:
        return Kind.CODE
    if start in heading_starts or _HEADING.match(line):
        return Kind.HEADING
    if line.lstrip().startswith("|"):
        return Kind.ROW
    return Kind.ITEM if _ITEM.match(line) else Kind.PROSE


def _sentences(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    begin = start
    for match in _END.finditer(text, start, end):
        if _is_boundary(text, start, match, end):
            yield from _trimmed(text, begin, match.end())
            begin = match.end()
    yield from _trimmed(text, begin, end)


def _trimmed(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """The span without white space at its ends; nothing for a blank one."""
    piece = text[start:end]
    left = len(piece) - len(piece.lstrip())
    if left < len(piece):
        yield start + left, start + len(piece.rstrip())


def _is_boundary(text: str, block_start: int, match: re.Match[str], end: int) -> bool:
    mark = text[match.start()]
    if mark in "。！？｡؟۔।":
        return True
    space = _SPACE.match(text, match.end(), end)
    at = space.end() if space else match.end()
    following = text[at : at + 1]
    if following.islower():
        return False  # "e.g. a number", "Yahoo! is"
    is_single_stop = mark == "." and text[match.start() + 1 : match.start() + 2] != "."
    return not (is_single_stop and _abbreviates(text, block_start, match.start()))


def _abbreviates(text: str, block_start: int, at: int) -> bool:
    """Whether the full stop at ``at`` belongs to the word, initial or number before it."""
    if _NUMBER_BEFORE.match(text[max(block_start, at - 6) : at]) and at - block_start <= 6:
        return True  # "1. First", at the beginning of a line
    found = _WORD_BEFORE.search(text[max(block_start, at - _LONGEST_WORD) : at])
    if not found:
        return False
    word = found.group()
    if len(word) == 1:
        return word.isupper() and word != "I"  # an initial
    return word.lower() in _ABBREVIATIONS - _MAY_END
