"""A sentence and a passage made ready to be compared: tokens, names, quoted words, units."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from chat.generation.spans import units
from chat.generation.support.lexicon import SMALL
from chat.generation.support.tokens import Token, Value, plain, squeezed, tokens
from chat.generation.terms import rarity

_QUOTED = re.compile(r'"([^"\n]{2,200})"')
_STARTS_SENTENCE = re.compile(r"(?:^|[.!?:;|\n\"(]|(?:^|\n)\s*(?:[-+•]|\d+[.)]))\s*\Z")
_GERMAN_WORDS = """
der die das und ist nicht ein eine zu den mit von im dem des auf für
"""
_GERMAN = frozenset(_GERMAN_WORDS.split())
_GERMAN_SHARE = 0.06  # of the words; German texts have 0.2 of these, others below 0.03
_WORD = re.compile(r"\w+")


@dataclass(frozen=True)
class Claim:
    """A sentence of an answer. ``words`` are the keys that carry meaning, ``names`` its names."""

    text: str
    tokens: tuple[Token, ...]
    words: tuple[Value, ...]
    names: tuple[Token, ...]
    quoted: tuple[str, ...]


@dataclass(frozen=True)
class Piece:
    """A sentence, list item or table row of a passage; offsets lie in the passage's text."""

    start: int
    end: int
    paragraph: int
    tokens: tuple[Token, ...]
    keys: frozenset[Value]


@dataclass(frozen=True)
class Source:
    """A passage. ``around`` are the tokens of its title and headings, which may be named too."""

    pieces: tuple[Piece, ...]
    tokens: tuple[Token, ...]
    around: tuple[Token, ...]
    weights: Mapping[Value, float] = field(hash=False)
    keys: frozenset[Value]
    stream: str  # its words in order, folded, one blank between
    unhyphened: str  # its characters without hyphens, for identifiers
    names: frozenset[Value]  # words that it writes with capitals inside sentences
    writes_nouns_large: bool  # as German does, so that capitals say nothing of names

    @property
    def all_tokens(self) -> tuple[Token, ...]:
        return self.tokens + self.around


@lru_cache(maxsize=512)
def claim(text: str) -> Claim:
    said = plain(text)
    found = tokens(said)
    quoted = tuple(words(match) for match in _QUOTED.findall(said))
    return Claim(said, found, meaning(found), names(found, said), tuple(filter(None, quoted)))


@lru_cache(maxsize=512)
def source(text: str, around: str = "") -> Source:
    """A passage's text; ``around`` is its title and its headings."""
    pieces = tuple(
        Piece(unit.start, unit.end, unit.paragraph, found, frozenset(token.key for token in found))
        for unit in units(text)
        for found in [_tokens_with_lead(text, (unit.start, unit.end), unit.lead)]
        if unit.kind != "heading" and found
    )
    whole = tokens(plain(text))
    beside = tokens(plain(around))
    weights = rarity([[str(key) for key in meaning(piece.tokens)] for piece in pieces])
    shown = f"{plain(text)} {plain(around)}"
    return Source(
        pieces=pieces,
        tokens=whole,
        around=beside,
        weights={key: weights[str(key)] for token in whole if str(key := token.key) in weights},
        keys=frozenset(token.key for token in (*whole, *beside)),
        stream=f" {words(shown)} ",
        unhyphened=shown.casefold().replace("-", ""),
        names=frozenset(token.key for token in names(whole, plain(text))),
        writes_nouns_large=_is_german(whole),
    )


def _tokens_with_lead(
    text: str, span: tuple[int, int], lead: tuple[int, int] | None
) -> tuple[Token, ...]:
    """A table row is read with its head, a list item with the line that leads in."""
    own = tokens(plain(text[slice(*span)]))
    return (*tokens(plain(text[slice(*lead)])), *own) if lead else own


def words(text: str) -> str:
    return " ".join(_WORD.findall(text.casefold()))


def meaning(found: Iterable[Token]) -> tuple[Value, ...]:
    """The keys that say something: no small words, no numbers (those are checked one by one)."""
    return tuple(
        token.key
        for token in found
        if token.kind in {"word", "identifier"} and token.text.casefold() not in SMALL
    )


def names(found: tuple[Token, ...], text: str) -> tuple[Token, ...]:
    """Capitalised words inside a sentence; at its beginning only in front of another one."""
    named: list[Token] = []
    for at, token in enumerate(found):
        if not _is_capitalised(token):
            continue
        following = found[at + 1] if at + 1 < len(found) else None
        is_first = bool(_STARTS_SENTENCE.search(text[: token.start]))
        is_of_two = (
            following is not None
            and _is_capitalised(following)
            and text[token.end : following.start] == " "
            and token.text.casefold() not in SMALL
        )
        if not is_first or is_of_two:
            named.append(token)
    return tuple(named)


def _is_capitalised(token: Token) -> bool:
    return token.kind == "word" and len(token.text) > 1 and token.text[0].isupper()


def _is_german(found: tuple[Token, ...]) -> bool:
    """The one tongue that writes all nouns with capitals."""
    telling = sum(token.text.casefold() in _GERMAN for token in found)
    return telling > _GERMAN_SHARE * len(found)


def holds_identifier(one: Source, token: Token) -> bool:
    """``COVID-19`` is also ``Covid 19`` and ``COVID19``, but ``C2085`` is not ``C2085b``."""
    if token.key in one.keys:
        return True
    parts = re.findall(r"[^\W\d]+|\d+|\W+", squeezed(str(token.key[1])))
    pattern = r"(?<!\w)" + r"\s?".join(map(re.escape, parts)) + r"(?!\w)"
    return re.search(pattern, one.unhyphened) is not None
