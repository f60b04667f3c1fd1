"""What a sentence names must stand in its passage: figures, days, units, names, quoted words."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from chat.generation.support.reading import Claim, Source, holds_identifier
from chat.generation.support.tokens import Token

Kind = Literal[
    "number", "unit", "date", "time", "identifier", "quoted", "name", "negation", "opposite", "swap"
]


@dataclass(frozen=True)
class Finding:
    """Something that a passage does not say, or says otherwise.

    ``ours`` is as the answer's sentence writes it, ``theirs`` as the passage does where it says
    another thing in its place.
    """

    kind: Kind
    ours: str
    theirs: str = ""


# "The first", "the second" also count what the passage lists without numbers.
_COUNTED_OUT = frozenset({"first", "second", "third", "1st"})


def missing(claim: Claim, one: Source) -> Iterator[Finding]:
    """What the claim names and the passage, its title and its headings do not."""
    values = _values(one.all_tokens)
    for token in claim.tokens:
        kind = _lacks(token, one, values)
        if kind:
            yield Finding(kind, token.text)
    for said in claim.quoted:
        if f" {said} " not in one.stream:
            yield Finding("quoted", said)
    if not one.writes_nouns_large:
        for token in claim.names:
            if not _is_named(token, claim, one):
                yield Finding("name", token.text)


def _lacks(token: Token, one: Source, values: dict[object, set[str]]) -> Kind | None:
    if token.kind == "number":
        return _lacks_number(token, values)
    if token.kind == "ordinal" and token.text.casefold() not in _COUNTED_OUT:
        return None if token.values & values.keys() else "number"
    if token.kind == "date":
        return None if any(same_day(token, other) for other in one.all_tokens) else "date"
    if token.kind == "time":
        times = (other.values for other in one.all_tokens if other.kind in {"time", "number"})
        return None if any(_same_time(token, found) for found in times) else "time"
    if token.kind == "identifier" and not holds_identifier(one, token):
        return "identifier"
    return None


def _lacks_number(token: Token, values: dict[object, set[str]]) -> Kind | None:
    """``one`` is an article as often as a number, so it needs a unit to count."""
    if token.text.casefold() in {"one", "un", "eins"} and not token.unit:
        return None
    units = [values[value] for value in token.values if value in values]
    if not units:
        return "number"
    known = set().union(*units)
    is_other = token.unit and known and "" not in known and token.unit not in known
    return "unit" if is_other else None


def _values(found: Iterable[Token]) -> dict[object, set[str]]:
    """Each figure of a passage with the units that it stands with; dates' parts count too."""
    values: dict[object, set[str]] = {}
    for token in found:
        readings: set[object] = set(token.values)
        if token.kind == "date":
            readings = {float(part) for day in token.values for part in _parts(day)}
        for value in readings:
            values.setdefault(value, set()).add(token.unit)
    return values


def _parts(day: object) -> tuple[int, ...]:
    return day if isinstance(day, tuple) else ()


def same_day(token: Token, other: Token) -> bool:
    """Whether the other date says this one: ``4 March 2026`` says ``March 2026`` too.

    A passage may name the year elsewhere, so a date without one says the day of any year.
    """
    return token.kind == other.kind == "date" and any(
        (mine[0] in {0, theirs[0]} or not theirs[0])
        and all(part in {0, said} for part, said in zip(mine[1:], theirs[1:], strict=True))
        for mine in map(_parts, token.values)
        for theirs in map(_parts, other.values)
    )


def _same_time(token: Token, found: frozenset[object]) -> bool:
    """``5 pm`` is also told by a plain ``17``; a plain number is taken for hours."""
    half_day = 12 * 60
    minutes = {value if isinstance(value, int) else int(float(str(value)) * 60) for value in found}
    plain = {value + half_day for value in minutes if value <= half_day}
    return bool(token.values & (minutes | plain))


def _is_named(token: Token, claim: Claim, one: Source) -> bool:
    word = str(token.key[1])
    if token.key in one.keys or f" {token.text.casefold()} " in one.stream:
        return True
    if token.text.isupper() and len(token.text) <= 6:
        return token.text.casefold() in _initials(one.all_tokens)
    if _first_letters(claim, token) & {t.text.casefold() for t in one.all_tokens if _is_short(t)}:
        return True
    return any(
        other.kind == "word" and _are_forms(word, str(other.key[1])) for other in one.all_tokens
    )


def _are_forms(one: str, other: str) -> bool:
    """``Germany`` and ``German``, ``Canada's`` and ``Canadian``: five letters alike."""
    shared = 0
    for mine, theirs in zip(one, other, strict=False):
        if mine != theirs:
            break
        shared += 1
    return shared >= 5 and max(len(one), len(other)) - shared <= 4


def _is_short(token: Token) -> bool:
    return token.text.isupper() and 2 <= len(token.text) <= 6


def _initials(found: tuple[Token, ...]) -> str:
    """The first letters of all words in a row, so that an abbreviation is found among them."""
    return "".join(token.text[0] for token in found if token.kind == "word").casefold()


def _first_letters(claim: Claim, token: Token) -> set[str]:
    """What the run of names around this one may be abbreviated to."""
    at = claim.names.index(token)
    letters = "".join(name.text[0] for name in claim.names).casefold()
    spans = {
        letters[start:end] for start in range(at + 1) for end in range(at + 1, len(letters) + 1)
    }
    return {span for span in spans if len(span) >= 2}
