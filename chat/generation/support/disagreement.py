"""Two documents that say the same with different figures: found without a model, and with care.

Sentences count as the same statement where nearly all their words agree and what differs is one
figure of one kind. Documents on different subjects may well differ, so their titles and headings
must not name other things than the other passage does.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import combinations

from chat.generation.support.evidence import Gap, beside
from chat.generation.support.lexicon import MONTHS, NEGATIONS, OPPOSITES, SMALL, UNITS
from chat.generation.support.reading import Piece, Source, meaning, source
from chat.generation.support.tokens import Token, Value
from chat.generation.terms import stem
from knowledge.passages import Passage

LOOKED_AT = 8  # passages
SHARED = 3  # telling words that two sentences have in common at least
SAME = 0.75  # share of the telling words of either sentence
_FIGURES = frozenset({"number", "date", "time"})
_GENERIC_WORDS = """
policy policies guide guideline handbook manual rule regulation faq question answer document version
draft update updated new old current overview introduction information general page section chapter
summary note notes staff company office team internal public official edition revision annual
"""
_GENERIC = frozenset(stem(word) for word in _GENERIC_WORDS.split())


@dataclass(frozen=True)
class _Statement:
    """A sentence with its words, figures and units apart, and its figures."""

    piece: Piece
    words: set[Value]
    figures: tuple[Token, ...]


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


def disagreements(passages: Sequence[Passage]) -> Iterator[Disagreement]:
    """Pairs of sentences of different documents with different figures, best passages first."""
    looked_at = passages[:LOOKED_AT]
    read = [source(one.text, f"{one.title}\n{one.heading}") for one in looked_at]
    statements = {
        one.chunk_id: [_Statement(piece, _words(piece), _numbers(piece)) for piece in each.pieces]
        for one, each in zip(looked_at, read, strict=True)
    }
    for (one, first), (other, second) in combinations(zip(looked_at, read, strict=True), 2):
        if one.document_id == other.document_id or not _on_one_subject(first, second):
            continue
        for mine in statements[one.chunk_id]:
            for theirs in statements[other.chunk_id]:
                figures = _figures(mine, theirs)
                if figures is not None:
                    sides = (
                        _side(one, mine.piece, figures[0]),
                        _side(other, theirs.piece, figures[1]),
                    )
                    yield _ordered(*sides)


def _on_one_subject(one: Source, other: Source) -> bool:
    """Whether neither title nor heading names something that the other passage never does."""
    pairs = ((one, other), (other, one))
    return all(
        key in theirs.keys
        or str(key[1]) in _GENERIC
        or not str(key[1]).isalpha()
        or str(key[1]) in MONTHS
        for mine, theirs in pairs
        for key in meaning(mine.around)
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
        both = f", both{_of(newer)}" if newer else ""
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
