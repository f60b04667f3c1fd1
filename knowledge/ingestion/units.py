"""The units that chunks are packed of: sentences, rows and lines with their size in tokens."""

import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from knowledge.ingestion.sentences import Kind, Segment

_LINK = re.compile(r"!?\[([^\[\]\n]{1,300})\]\([^()\s]{1,500}\)")
_RUN = re.compile(r"([^\w\s])\1{3,}")
_CHARACTERS_A_TOKEN = 8  # English has 4 to 5; a unit with more is cut by length alone
_HEAD_SHARE = 3  # of a chunk: a table's head that takes more is given to groups of its columns
_BAR_TOKENS = 2  # what a bar between cells may cost
_NAME_MAX = 120  # characters of the first cell with its column's name
_JOINERS = "\u200c\u200d"


@dataclass(frozen=True)
class Unit:
    """A span that is packed whole. ``tokens`` counts its embedded form without special tokens."""

    start: int
    end: int
    kind: Kind
    tokens: int
    begins_paragraph: bool = False
    is_heading: bool = False
    head: str = ""  # of the table that the row stands in; empty for the head itself
    head_tokens: int = 0
    is_alone: bool = False  # some cells of a wide row, under the names of their columns alone


def embedded_form(text: str) -> str:
    """What is embedded of a text: no addresses of links, rules of tables, long runs of one mark.

    They would take a token for every character or two and mean nothing.
    """
    lines = [line for line in text.split("\n") if not _is_rule(line)]
    words = _LINK.sub(r"\1", "\n".join(lines))
    return _RUN.sub(r"\1\1\1", words).strip()


class UnitMaker:
    """Makes units of one text with one model's token counter."""

    def __init__(self, text: str, count_tokens: Callable[[str], int]) -> None:
        self._text = text
        self._count = count_tokens
        self.special_tokens = count_tokens("")

    def count(self, text: str) -> int:
        """Tokens of a text itself."""
        return max(self._count(text) - self.special_tokens, 0) if text else 0

    def units(self, found: Sequence[Segment], heading_starts: frozenset[int]) -> list[Unit]:
        """One unit a segment, with what the packing wants to know about its place."""
        made: list[Unit] = []
        heads = _table_heads(self._text, found)
        counted: dict[str, int] = {"": 0}
        before = 0
        for segment, head in zip(found, heads, strict=True):
            if head not in counted:
                counted[head] = self.count(embedded_form(head))
            made.append(
                Unit(
                    segment.start,
                    segment.end,
                    segment.kind,
                    self._tokens(segment.start, segment.end),
                    begins_paragraph=self._text.count("\n", before, segment.start) > 1
                    or segment.kind is Kind.ITEM,
                    is_heading=segment.start in heading_starts,
                    head=head,
                    head_tokens=counted[head],
                )
            )
            before = segment.end
        return made

    def fitted(self, unit: Unit, budget: int) -> list[Unit]:
        """The unit itself, or parts of it that have at most ``budget`` tokens and sane lengths."""
        if unit.head and (
            unit.head_tokens > budget // _HEAD_SHARE or unit.tokens + unit.head_tokens > budget
        ):
            return [
                part for cells in self._columns(unit, budget) for part in self._cut(cells, budget)
            ]
        return self._cut(unit, budget)

    def _cut(self, unit: Unit, budget: int) -> list[Unit]:
        """The unit in parts that fit; a head that leaves them no room is left out."""
        if unit.head_tokens > budget // 2:
            unit = replace(unit, head="", head_tokens=0)
        room = max(budget - unit.head_tokens, 1)
        longest = room * _CHARACTERS_A_TOKEN
        if unit.tokens <= room and unit.end - unit.start <= longest:
            return [unit]
        parts: list[Unit] = []
        for start, end in self._slices(unit.start, unit.end, longest):
            parts.extend(self._halved(start, end, room, unit))
        return parts

    def _columns(self, unit: Unit, budget: int) -> list[Unit]:
        """A wide row as groups of its cells, each under the names of its own columns."""
        cells = cell_spans(self._text, unit.start, unit.end)
        heads = [unit.head[slice(*span)] for span in cell_spans(unit.head, 0, len(unit.head))]
        if len(cells) != len(heads) or len(cells) < 2:
            return [unit]
        costs = [
            self._tokens(*cell) + self.count(head) + 2 * _BAR_TOKENS
            for cell, head in zip(cells, heads, strict=True)
        ]
        name = f"{heads[0]}: {self._text[slice(*cells[0])]}\n"  # which row it is, for later groups
        lead = self.count(name) if len(name) <= _NAME_MAX else budget
        lead, name = (lead, name) if lead < budget // _HEAD_SHARE else (0, "")
        groups: list[Unit] = []
        first, spent = 0, 0
        for number, cost in enumerate([*costs, budget]):
            room = budget - _BAR_TOKENS - (lead if first else 0)
            if number > first and spent + cost > room:
                head = f"{name if first else ''}| {' | '.join(heads[first:number])} |"
                start = cells[first][0] if first else unit.start
                end = cells[number][0] if number < len(cells) else unit.end
                part = self._part(unit, start, start + len(self._text[start:end].rstrip()))
                groups.append(replace(part, head=head, head_tokens=self.count(head), is_alone=True))
                first, spent = number, 0
            spent += cost
        return groups

    def halves(self, unit: Unit) -> list[Unit]:
        """Two parts of a unit; itself where it is one character."""
        middle = self._cut_near((unit.start + unit.end) // 2, unit.start, unit.end)
        if not unit.start < middle < unit.end:
            return [unit]
        return [self._part(unit, *span) for span in ((unit.start, middle), (middle, unit.end))]

    def _halved(self, start: int, end: int, room: int, unit: Unit) -> Iterator[Unit]:
        part = self._part(unit, start, end)
        halves = self.halves(part) if part.tokens > room else [part]
        if len(halves) == 1:
            yield from halves
            return
        for half in halves:
            yield from self._halved(half.start, half.end, room, unit)

    def _part(self, unit: Unit, start: int, end: int) -> Unit:
        is_first = start == unit.start
        return replace(
            unit,
            start=start,
            end=end,
            tokens=self._tokens(start, end),
            begins_paragraph=unit.begins_paragraph and is_first,
            is_heading=unit.is_heading and is_first,
        )

    def _tokens(self, start: int, end: int) -> int:
        return self.count(embedded_form(self._text[start:end]))

    def _slices(self, start: int, end: int, longest: int) -> Iterator[tuple[int, int]]:
        while end - start > longest:
            cut = self._cut_near(start + longest, start, end)
            yield start, cut
            start = cut
        yield start, end

    def _cut_near(self, at: int, start: int, end: int) -> int:
        """A place to cut at or before ``at``: after white space, and never inside a character."""
        window = max(start + 1, at - max((at - start) // 3, 1))
        for place in range(at, window - 1, -1):
            if place < end and self._text[place - 1].isspace():
                return place
        while start + 1 < at < end and _continues(self._text[at]):
            at -= 1
        return at


def _is_rule(line: str) -> bool:
    """Whether a line is the rule under a table's head, such as ``| --- | :-: |``."""
    bare = line.strip()
    return bare.startswith("|") and "-" in bare and not bare.strip("|:- \t")


def _continues(character: str) -> bool:
    """Whether a character belongs to the one before it."""
    return character in _JOINERS or unicodedata.combining(character) > 0


def cell_spans(text: str, start: int, end: int) -> list[tuple[int, int]]:
    """The cells of a table's row as (start, end) without the bars and blanks around them."""
    spans: list[tuple[int, int]] = []
    begin = start
    for place in range(start, end + 1):
        is_bar = place < end and text[place] == "|" and (place == start or text[place - 1] != "\\")
        if not is_bar and place < end:
            continue
        piece = text[begin:place]
        if begin > start and (is_bar or piece.strip()):
            left = begin + len(piece) - len(piece.lstrip())
            spans.append((left, max(left, begin + len(piece.rstrip()))))
        begin = place + 1
    return spans


def _table_heads(text: str, found: Sequence[Segment]) -> list[str]:
    """For each segment the head row of its table; empty for the head, its rule, and the rest."""
    heads: list[str] = []
    head = ""
    for number, segment in enumerate(found):
        if segment.kind is not Kind.ROW:
            head = ""
            heads.append("")
            continue
        starts_table = number == 0 or not _adjoins(text, found[number - 1], segment)
        if starts_table:
            head = ""
            follows = number + 1 < len(found) and found[number + 1].kind is Kind.ROW
            rule = text[found[number + 1].start : found[number + 1].end] if follows else ""
            if _is_rule(rule):
                head = text[segment.start : segment.end]
        is_rule = _is_rule(text[segment.start : segment.end])
        heads.append("" if starts_table or is_rule else head)
    return heads


def _adjoins(text: str, above: Segment, below: Segment) -> bool:
    return above.kind is Kind.ROW and text.count("\n", above.end, below.start) == 1
