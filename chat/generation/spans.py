"""A Markdown text into units that can be quoted: sentences, list items, table rows, code blocks.

Offsets count code points; ``text[unit.start:unit.end]`` is the unit. A unit carries what is needed
to read it: a table row its head, a list item the line that leads in.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

Kind = Literal["sentence", "item", "row", "code", "heading"]

_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_HEADING = re.compile(r" {0,3}#{1,6}(\s|$)")
_RULE = re.compile(r" {0,3}([-*_])(\s*\1){2,}\s*$")
_UNDERLINE = re.compile(r" {0,3}(=+|-{2,})\s*$")
_ITEM = re.compile(r"\s{0,12}(?:[-*+•]|\d{1,3}[.)])\s+")
_TABLE_RULE = re.compile(r"\s*\|?\s*:?-+:?\s*(\|\s*:?-+:?\s*)*\|?\s*$")
_MARKS = r"(?:[ \t]*\[\d{1,3}\])*"
_END = re.compile(r"(?:[.!?…]+[\"'”’»)\]]*|[。！？]+[」』”）]*)" + _MARKS)
_SHORT_FORMS = """
e.g i.e etc mr mrs ms dr prof st no nos fig figs vs approx cf art sec ch p pp al inc ltd co jan feb
mar apr jun jul aug sep sept oct nov dec u.s u.k a.m p.m min max incl ca
z.b d.h u.a o.ä bzw ggf evtl inkl zzgl nr abs vgl
"""
_ABBREVIATIONS = frozenset(_SHORT_FORMS.split())
_STARTER = re.compile(
    r"(?:The|A|An|It|In|On|At|This|These|They|We|You|If|For|To|When|Each|All|No|There)\b"
)
# German writes ordinals with a full stop: "am 4. Mai", "im 2. Quartal".
_COUNTED = re.compile(
    r"\b(?:am|im|ab|bis|vom|zum|zur|beim|seit|der|die|das|den|dem|des|jede[mnrs]?) \d{1,2}\Z", re.I
)
_MONTH = re.compile(
    r"(?:Januar|Jänner|Februar|März|Mai|Juni|Juli|Oktober|Dezember)\b"
    r"|(?:April|August|September|November) \d{4}\b"  # English has these too
)
LONGEST_SENTENCE = 400  # code points; longer "sentences" are lines that no full stop ends


@dataclass(frozen=True)
class Unit:
    """``lead`` is the span that makes it readable (table head, lead-in line), if there is one.

    ``paragraph`` numbers the block that it belongs to, from 0.
    """

    kind: Kind
    start: int
    end: int
    paragraph: int
    lead: tuple[int, int] | None = None


@dataclass(frozen=True)
class _Line:
    start: int
    end: int  # without the line break
    text: str

    @property
    def is_blank(self) -> bool:
        return not self.text.strip()


def units(text: str) -> list[Unit]:
    """All units of a text in reading order; blank lines and rules belong to none."""
    found: list[Unit] = []
    lines = _lines(text)
    at = 0
    paragraph = 0
    while at < len(lines):
        if lines[at].is_blank or _RULE.match(lines[at].text):
            at += 1
            continue
        block, at = _block(text, lines, at, paragraph, found)
        found.extend(block)
        paragraph += 1
    return found


def sentence_spans(text: str, start: int = 0, end: int | None = None) -> list[tuple[int, int]]:
    """The sentences of a paragraph as (start, end), trimmed, footnote marks included."""
    end = len(text) if end is None else end
    spans = []
    begin = start
    for stop in _boundaries(text, start, end):
        spans.append((begin, stop))
        begin = stop
    spans.append((begin, end))
    trimmed = (_trim(text, *span) for span in spans)
    whole = [span for span in trimmed if span[0] < span[1]]
    return [part for span in whole for part in _shorter(text, *span)]


def _lines(text: str) -> list[_Line]:
    lines = []
    at = 0
    for raw in text.split("\n"):
        lines.append(_Line(at, at + len(raw), raw))
        at += len(raw) + 1
    return lines


def _block(
    text: str, lines: list[_Line], at: int, paragraph: int, before: list[Unit]
) -> tuple[list[Unit], int]:
    """The units of the block that begins at a line, and the line after it."""
    line = lines[at]
    if fence := _FENCE.match(line.text):
        return _code(lines, at, fence.group(1), paragraph)
    if _HEADING.match(line.text):
        return [Unit("heading", line.start, line.end, paragraph)], at + 1
    if _begins_table(lines, at):
        return _table(lines, at, paragraph)
    if _ITEM.match(line.text):
        return _list(text, lines, at, paragraph, before)
    return _paragraph(text, lines, at, paragraph)


def _code(lines: list[_Line], at: int, fence: str, paragraph: int) -> tuple[list[Unit], int]:
    stop = at + 1
    while stop < len(lines):
        closing = _FENCE.match(lines[stop].text)
        stop += 1
        if closing and closing.group(1).startswith(fence):
            break
    return [Unit("code", lines[at].start, lines[stop - 1].end, paragraph)], stop


def _begins_table(lines: list[_Line], at: int) -> bool:
    return "|" in lines[at].text and (
        lines[at].text.lstrip().startswith("|")
        or (at + 1 < len(lines) and _is_table_rule(lines[at + 1].text))
    )


def _is_table_rule(line: str) -> bool:
    return "|" in line and "-" in line and bool(_TABLE_RULE.match(line))


def _table(lines: list[_Line], at: int, paragraph: int) -> tuple[list[Unit], int]:
    stop = at
    while stop < len(lines) and "|" in lines[stop].text:
        stop += 1
    head = None
    first = at
    if at + 1 < stop and _is_table_rule(lines[at + 1].text):
        head = (lines[at].start, lines[at + 1].end)
        first = at + 2
    rows = [
        Unit("row", line.start, line.end, paragraph, head)
        for line in lines[first:stop]
        if not _is_table_rule(line.text)
    ]
    return rows, stop


def _list(
    text: str, lines: list[_Line], at: int, paragraph: int, before: list[Unit]
) -> tuple[list[Unit], int]:
    lead = None
    if before and before[-1].kind == "sentence" and text[: before[-1].end].endswith(":"):
        lead = (before[-1].start, before[-1].end)
    stop = _end_of_list(lines, at)
    starts = [i for i in range(at, stop) if _ITEM.match(lines[i].text)]
    items = []
    for first, after in pairwise([*starts, stop]):
        bullet = _ITEM.match(lines[first].text)
        inside = lines[first].start + (bullet.end() if bullet else 0)
        begin, end = _trim(text, inside, lines[after - 1].end)
        if begin < end:
            items.append(Unit("item", begin, end, paragraph, lead))
    return items, stop


def _end_of_list(lines: list[_Line], at: int) -> int:
    """One blank line between two items does not end a list."""
    at += 1
    while at < len(lines) and not _starts_block(lines, at):
        if lines[at].is_blank and not (at + 1 < len(lines) and _ITEM.match(lines[at + 1].text)):
            break
        at += 1
    return at


def _starts_block(lines: list[_Line], at: int) -> bool:
    line = lines[at].text
    return bool(_FENCE.match(line) or _HEADING.match(line)) or _begins_table(lines, at)


def _ends_paragraph(lines: list[_Line], at: int) -> bool:
    return lines[at].is_blank or bool(_ITEM.match(lines[at].text)) or _starts_block(lines, at)


def _paragraph(text: str, lines: list[_Line], at: int, paragraph: int) -> tuple[list[Unit], int]:
    stop = at + 1
    while stop < len(lines) and not _ends_paragraph(lines, stop):
        if _UNDERLINE.match(lines[stop].text):
            return [Unit("heading", lines[at].start, lines[stop].end, paragraph)], stop + 1
        stop += 1
    spans = sentence_spans(text, lines[at].start, lines[stop - 1].end)
    return [Unit("sentence", start, end, paragraph) for start, end in spans], stop


def _boundaries(text: str, start: int, end: int) -> Iterator[int]:
    """Where one sentence ends and the next one begins, inside a paragraph."""
    for match in _END.finditer(text, start, end):
        stop = match.end()
        if stop >= end:
            return
        if match.group()[0] in "。！？" or (
            text[stop].isspace() and _is_boundary(text, start, match.start(), stop)
        ):
            yield stop


def _is_boundary(text: str, start: int, dot: int, stop: int) -> bool:
    following = text[stop : stop + 40].lstrip()
    if not following or following[0].islower():
        return False
    if text[dot] != "." or text[dot : dot + 2] == "..":
        return True
    word = re.search(r"[\w.]*$", text[max(start, dot - 20) : dot])
    last = word.group().lower() if word else ""
    if len(last) == 1 and last.isalpha():  # "J. Smith", but "building B. The canteen"
        return bool(_STARTER.match(following))
    return last not in _ABBREVIATIONS and not _is_ordinal(
        text[max(start, dot - 20) : dot], following
    )


def _is_ordinal(before: str, following: str) -> bool:
    """Whether a full stop belongs to the number in front of it, as German writes ordinals."""
    if not re.search(r"(?<![\w.,])\d{1,2}\Z", before):
        return False
    return bool(_COUNTED.search(before) or _MONTH.match(following))


def _trim(text: str, start: int, end: int) -> tuple[int, int]:
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    return start, end


def _shorter(text: str, start: int, end: int) -> list[tuple[int, int]]:
    """A run of lines without a full stop is cut at its line breaks once it is very long."""
    if end - start <= LONGEST_SENTENCE or "\n" not in text[start:end]:
        return [(start, end)]
    parts = []
    at = start
    for line in text[start:end].split("\n"):
        span = _trim(text, at, at + len(line))
        if span[0] < span[1]:
            parts.append(span)
        at += len(line) + 1
    return parts
