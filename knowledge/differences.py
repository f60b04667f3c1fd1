"""A quoted passage found again in a later text, and what differs, word by word. Plain Python."""

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Literal

State = Literal["same", "changed", "gone"]

LONGEST_QUOTE = 4000  # code points; a longer one is compared by its beginning
LONGEST_TEXT = 2_000_000  # code points that are searched: about half a second
ALIKE = 0.4  # share of the words, the rare ones counting more, from which on it is the same passage
_AROUND = 3  # sentences on either side of the likeliest place that may belong to it
_WORD = re.compile(r"\w+")
_SENTENCE = re.compile(r"[^.!?。！？\n]*(?:[.!?。！？]+[\"'”’)\]]*(?=\s|\Z)|\n+|[.!?。！？]|\Z)")
_TOKEN = re.compile(r"\s+|\w+|[^\w\s]")


@dataclass(frozen=True)
class Piece:
    """A stretch of a difference: in both texts, only in the old one, or only in the new one."""

    kind: Literal["same", "del", "ins"]
    text: str


@dataclass(frozen=True)
class Place:
    """Where a passage stands in a later text; no place (0, 0) where it is gone."""

    state: State
    start: int = 0
    end: int = 0


def find_again(quote: str, text: str) -> Place:
    """Where a passage stands in a later version.

    Args:
        quote: the passage as it was.
        text: the later version; what is behind two million code points is not looked at.

    Returns:
        ``same`` where it stands there word for word (blanks and capitals aside), ``changed`` with
        the sentences that are most like it, ``gone`` where none is.
    """
    quote, text = quote[:LONGEST_QUOTE], text[:LONGEST_TEXT]
    asked = [match.group().casefold() for match in _WORD.finditer(quote)]
    matches = list(_WORD.finditer(text))
    words = [match.group().casefold() for match in matches]
    if not asked or not words:
        return Place("gone")
    first = _run(asked, words)
    if first is not None:
        return Place("same", matches[first].start(), matches[first + len(asked) - 1].end())
    likely = _likely(asked, words)
    if likely is None:
        return Place("gone")
    last = min(likely + len(asked), len(words)) - 1
    return Place(
        "changed", *_sentences(quote, text, (matches[likely].start(), matches[last].end()))
    )


def _run(asked: Sequence[str], words: Sequence[str]) -> int | None:
    """The index at which all words stand one after the other."""
    rarest = min(range(len(asked)), key=lambda at: (-len(asked[at]), at))
    for at, word in enumerate(words):
        if word == asked[rarest] and at >= rarest:
            begin = at - rarest
            if words[begin : begin + len(asked)] == asked:
                return begin
    return None


def _likely(asked: Sequence[str], words: Sequence[str]) -> int | None:
    """The index of the window, as long as what is asked for, that has most of its words."""
    known = Counter(words)
    wanted = Counter(asked)
    weight = {word: 1.0 / (1 + known[word]) ** 0.5 for word in wanted}
    total = sum(weight[word] * count for word, count in wanted.items())
    inside: Counter[str] = Counter()
    score, best, at_best = 0.0, 0.0, 0
    for at, word in enumerate(words):
        if word in wanted:
            score += weight[word] * (inside[word] < wanted[word])
            inside[word] += 1
        left = words[at - len(asked)] if at >= len(asked) else ""
        if left in wanted:
            inside[left] -= 1
            score -= weight[left] * (inside[left] < wanted[left])
        if score > best:
            best, at_best = score, max(0, at - len(asked) + 1)
    return at_best if best >= ALIKE * total else None


def _sentences(quote: str, text: str, near: tuple[int, int]) -> tuple[int, int]:
    """The run of whole sentences around a place that is most like the quote."""
    begin, stop = max(0, near[0] - 1500), near[1] + 1500
    spans = [m.span() for m in _SENTENCE.finditer(text, begin, min(stop, len(text))) if m.group()]
    spans = [span for span in spans if text[slice(*span)].strip()]
    ends = [end for _, end in spans]
    first = min(bisect_left(ends, near[0] + 1), len(spans) - 1)
    last = min(bisect_left(ends, near[1]), len(spans) - 1)
    asked = _TOKEN.findall(quote.casefold())
    choices = [
        (spans[i][0], spans[j][1])
        for i in range(max(0, first - 1), min(first + _AROUND, len(spans)))
        for j in range(max(i, last - _AROUND), min(last + 2, len(spans)))
    ]
    found = max(choices, key=lambda span: _ratio(asked, text[slice(*span)]), default=near)
    return _trimmed(text, *found)


def _ratio(asked: list[str], text: str) -> float:
    return SequenceMatcher(None, asked, _TOKEN.findall(text.casefold()), autojunk=False).ratio()


def _trimmed(text: str, start: int, end: int) -> tuple[int, int]:
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    return start, end


def difference(old: str, new: str) -> tuple[Piece, ...]:
    """What was taken out and put in, word by word; blanks between two changes go with them."""
    before, after = _TOKEN.findall(old), _TOKEN.findall(new)
    matcher = SequenceMatcher(None, before, after, autojunk=False)
    pieces: list[Piece] = []
    taken = put = ""
    for kind, i1, i2, j1, j2 in matcher.get_opcodes():
        same = "".join(before[i1:i2])
        if kind == "equal" and (not (taken or put) or same.strip()):
            pieces += [Piece("del", taken), Piece("ins", put), Piece("same", same)]
            taken = put = ""
        else:
            taken += same
            put += "".join(after[j1:j2])
    pieces += [Piece("del", taken), Piece("ins", put)]
    return tuple(piece for piece in pieces if piece.text)
