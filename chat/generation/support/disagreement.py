"""Two documents that say the same with different figures: found without a model, and with care.

Sentences count as the same statement where nearly all their words agree and what differs is one
figure of one kind. Documents on different subjects may well differ, so their titles and headings
must not name other things than the other passage does.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from itertools import combinations

from chat.generation.spans import Unit, units
from chat.generation.support.evidence import Gap, beside
from chat.generation.support.lexicon import (
    MONTHS,
    NEGATIONS,
    NUMBER_WORDS,
    OPPOSITES,
    SMALL,
    UNITS,
)
from chat.generation.support.reading import Piece, meaning
from chat.generation.support.tokens import Token, Value, plain, tokens
from chat.generation.terms import stem, terms
from knowledge.passages import Passage

LOOKED_AT = 8  # passages
SHARED = 3  # telling words that two sentences have in common at least
SAME = 0.75  # share of the telling words of either sentence
_WORD = re.compile(r"\w+")
_BEGINS = 3  # characters: as short as a stem may be
_MAY_HOLD = re.compile(rf"\d|\b(?:{'|'.join(NUMBER_WORDS)})\b", re.IGNORECASE)
_FIGURES = frozenset({"number", "date", "time"})
_GENERIC_WORDS = """
policy policies guide guideline handbook manual rule regulation faq question answer document version
draft update updated new old current overview introduction information general page section chapter
summary note notes staff company office team internal public official edition revision annual
"""
_GENERIC = frozenset(stem(word) for word in _GENERIC_WORDS.split())


Quotes = Callable[["Side"], bool]


@dataclass(frozen=True)
class _Statement:
    """A sentence with its words, figures and units apart, and its figures."""

    piece: Piece
    words: set[Value]
    figures: tuple[Token, ...]
    hints: frozenset[str]


@dataclass(frozen=True)
class _Read:
    """A passage, read as far as it is asked for: most are told apart by their subjects."""

    passage: Passage
    quotes: Quotes | None

    @cached_property
    def subject(self) -> frozenset[str]:
        """Words of its title and headings."""
        return frozenset(terms(f"{self.passage.title} {self.passage.heading}"))

    @cached_property
    def words(self) -> frozenset[str]:
        return self.subject | frozenset(terms(self.passage.text))

    @cached_property
    def quoted(self) -> tuple[_Statement, ...]:
        """Statements with a figure that the answer quotes; all where no answer is asked about."""
        if not self._is_quoted(0, len(self.passage.text)):
            return ()
        return tuple(self._statement(x) for x in self._units if self._is_quoted(x.start, x.end))

    def like(self, statement: _Statement) -> Iterator[_Statement]:
        """Those with a figure that may have enough words in common with another passage's."""
        for unit in self._units:
            if len(statement.hints & _hints(self.passage.text[unit.start : unit.end])) >= SHARED:
                yield self._statement(unit)

    @cached_property
    def _units(self) -> list[Unit]:
        text = self.passage.text
        return [
            unit
            for unit in units(text)
            if unit.kind != "heading" and _MAY_HOLD.search(text, unit.start, unit.end)
        ]

    def _is_quoted(self, start: int, end: int) -> bool:
        at = self.passage.start
        return self.quotes is None or self.quotes(Side(self.passage, "", at + start, at + end))

    def _statement(self, unit: Unit) -> _Statement:
        text = self.passage.text[unit.start : unit.end]
        piece = Piece(unit.start, unit.end, unit.paragraph, tokens(plain(text)), frozenset())
        return _Statement(piece, _words(piece), _numbers(piece), _hints(text))


@dataclass(frozen=True)
class Side:
    """What one document says: ``figure`` as written, the sentence's place in the version's text."""

    passage: Passage
    figure: str
    start: int
    end: int


@dataclass(frozen=True)
class Disagreement:
    """The newer document's side first."""

    newer: Side
    older: Side


def disagreements(
    passages: Sequence[Passage], quotes: Quotes | None = None
) -> Iterator[Disagreement]:
    """Pairs of sentences of different documents with different figures, best passages first.

    Args:
        passages: ranked; those after the eighth are not looked at.
        quotes: whether the answer quotes a place; of each pair it quotes one side at least. None
            looks at all pairs.
    """
    looked_at = [_Read(one, quotes) for one in passages[:LOOKED_AT]]
    for one, other in combinations(looked_at, 2):
        if one.passage.document_id == other.passage.document_id:
            continue
        if not (one.quoted or other.quoted) or not _on_one_subject(one, other):
            continue
        for mine, theirs in _pairs(one, other):
            figures = _figures(mine, theirs)
            if figures is not None:
                first = _side(one.passage, mine.piece, figures[0])
                yield _ordered(first, _side(other.passage, theirs.piece, figures[1]))


def _pairs(one: _Read, other: _Read) -> Iterator[tuple[_Statement, _Statement]]:
    """Statements of both that may say the same, one of which is quoted."""
    for mine in one.quoted:
        yield from ((mine, theirs) for theirs in other.like(mine))
    for theirs in other.quoted:
        yield from ((mine, theirs) for mine in one.like(theirs) if mine not in one.quoted)


def _hints(text: str) -> frozenset[str]:
    """The beginnings of its words: equal words begin alike, however they are bent."""
    return frozenset(word[:_BEGINS] for word in _WORD.findall(text.lower()) if word not in SMALL)


def _on_one_subject(one: _Read, other: _Read) -> bool:
    """Whether neither title nor heading names something that the other passage never does."""
    return all(
        word in theirs.words or word in _GENERIC or not word.isalpha() or word in MONTHS
        for mine, theirs in ((one, other), (other, one))
        for word in mine.subject
    )


def _figures(one: _Statement, other: _Statement) -> tuple[str, str] | None:
    """The one figure in which two sentences differ, as both write it."""
    if not one.figures or not other.figures:
        return None
    ours, others = one.words, other.words
    mine, theirs = one.piece, other.piece
    shared = len(ours & others)
    if shared < SHARED or shared < SAME * max(len(ours), len(others)):
        return None
    if _turns(ours - others, others - ours):
        return None
    if len(one.figures) == len(other.figures) == 1:
        return _different((one.figures[0], mine), (other.figures[0], theirs))
    gaps = beside(mine.tokens, theirs.tokens).gaps
    telling = [gap for gap in gaps if _has_figure(gap.ours) or _has_figure(gap.theirs)]
    if len(telling) != 1:
        return None
    return _pair(telling[0], mine, theirs)


def _turns(mine: set[Value], theirs: set[Value]) -> bool:
    """Words that make it another statement: a "not", an opposite, another name."""
    ours = {str(key[1]) for key in mine}
    others = {str(key[1]) for key in theirs}
    opposed = any(OPPOSITES.get(word, frozenset()) & others for word in ours)
    return opposed or bool((ours | others) & NEGATIONS)


def _has_figure(found: Sequence[Token]) -> bool:
    return any(token.kind in _FIGURES or token.kind == "identifier" for token in found)


def _pair(gap: Gap, mine: Piece, theirs: Piece) -> tuple[str, str] | None:
    first = [token for token in gap.theirs if token.kind in _FIGURES]
    second = [token for token in gap.ours if token.kind in _FIGURES]
    if len(first) != 1 or len(second) != 1 or not gap.is_held_left:
        return None
    beside_it = [t for t in (*gap.ours, *gap.theirs) if t not in (first[0], second[0])]
    if any(_is_telling(token) for token in beside_it):
        return None
    return _different((first[0], mine), (second[0], theirs))


def _different(one: tuple[Token, Piece], other: tuple[Token, Piece]) -> tuple[str, str] | None:
    """Both figures as written, where they are of one kind and cannot both be right."""
    mine, theirs = one[0], other[0]
    is_same_kind = mine.kind == theirs.kind and mine.unit == theirs.unit
    if not is_same_kind or mine.values & theirs.values or _is_year(mine) or _is_year(theirs):
        return None
    return _written(mine, one[1].tokens), _written(theirs, other[1].tokens)


def _numbers(piece: Piece) -> tuple[Token, ...]:
    return tuple(token for token in piece.tokens if token.kind in _FIGURES)


def _words(piece: Piece) -> set[Value]:
    """What a sentence says apart from its figures and their units."""
    telling = (token for token in piece.tokens if not _names_unit(token.text))
    return set(meaning(telling))


def _is_year(token: Token) -> bool:
    """A bare year tells which year a statement is of: two of them do not contradict each other."""
    return (
        token.kind == "number"
        and not token.unit
        and any(
            isinstance(value, float) and 1900 <= value <= 2100 and value.is_integer()
            for value in token.values
        )
    )


def _is_telling(token: Token) -> bool:
    return token.kind != "word" or not (token.text.casefold() in SMALL or _names_unit(token.text))


def _written(token: Token, found: Sequence[Token]) -> str:
    """A figure with its unit, as its sentence writes it."""
    at = found.index(token)
    if not token.unit:
        return token.text
    if at and found[at - 1].text in "€$£¥":
        return f"{found[at - 1].text}{token.text}"
    after = [t.text for t in found[at + 1 : at + 3]]
    return " ".join([token.text, *after[: 1 if len(after) < 2 or _names_unit(after[0]) else 2]])


def _names_unit(word: str) -> bool:
    return word.casefold() in UNITS


def _side(passage: Passage, piece: Piece, figure: str) -> Side:
    return Side(passage, figure, passage.start + piece.start, passage.start + piece.end)


def _ordered(one: Side, other: Side) -> Disagreement:
    if one.passage.uploaded_at >= other.passage.uploaded_at:
        return Disagreement(one, other)
    return Disagreement(other, one)


def day_of(passage: Passage) -> str:
    """``4 March 2026``: since when the passage's version is there; empty where nobody knows."""
    try:
        day: date = datetime.fromisoformat(passage.uploaded_at).date()
    except ValueError:
        return ""
    return f"{day.day} {day:%B %Y}"


def wording(found: Disagreement, numbers: tuple[int, int]) -> str:
    """The sentence that tells the reader; ``numbers`` are the footnotes of newer and older."""
    newer, older = day_of(found.newer.passage), day_of(found.older.passage)
    if newer == older:
        both = f", both{_of(newer)}," if newer else ""
        return (
            f"The documents{both} do not agree on this: one says {found.newer.figure} "
            f"[{numbers[0]}], another says {found.older.figure} [{numbers[1]}]."
        )
    return (
        f"The documents do not agree on this: the one{_of(newer)} says "
        f"{found.newer.figure} [{numbers[0]}], the one{_of(older)} says "
        f"{found.older.figure} [{numbers[1]}]."
    )


def _of(day: str) -> str:
    return f" of {day}" if day else ""
