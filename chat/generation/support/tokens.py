"""A text as the tokens that are compared: words, numbers with their units, dates, identifiers.

Different writings of one thing become one value: ``1,000``, ``1 000``, ``1.000`` and ``a thousand``
are 1000; ``4 March 2026``, ``March 4, 2026`` and ``2026-03-04`` are one day.
"""

import re
import unicodedata
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal

from chat.generation.support.lexicon import (
    MONTHS,
    NEGATIONS,
    NUMBER_WORDS,
    ORDINALS,
    SCALES,
    UNITS,
)
from chat.generation.terms import stem

Kind = Literal["word", "number", "date", "time", "identifier", "ordinal"]
Value = tuple[object, ...]

_MARK = re.compile(r"(?<!\\)\[\d{1,3}\](?!\()")
_LINK = re.compile(r"!?\[([^\]\n]*)\]\([^)\n]*\)")
_SIGNS = str.maketrans(
    {
        **dict.fromkeys("‐‑‒–—―−", "-"),
        **dict.fromkeys("‘’‚ʼ′", "'"),
        **dict.fromkeys("“”„«»″", '"'),
        **dict.fromkeys("\u00a0\u2007\u2009\u200a\u202f", " "),
        "⁄": "/",
        "*": " ",
        "\\": " ",
    }
)
_MONTH = "(?:" + "|".join(sorted(MONTHS, key=len, reverse=True)) + r")\b\.?"
_DAY = r"\d{1,2}(?:st|nd|rd|th|\.|er)?"
_GROUPED = r"\d{1,3}(?:,\d{3})+(?!\d)(?:\.\d+)?|\d{1,3}(?:[.' ]\d{3})+(?!\d)(?:,\d+)?"
_TOKEN = re.compile(
    rf"""
    (?P<identifier>https?://[^\s<>"]*[\w/] | [\w.+-]+@[\w-]+\.[\w.-]*\w | (?<![\w-])--?[a-z][\w-]+
      | (?<![\w.])\w{{0,60}}[a-z]\w{{0,60}}_\w+ | (?<![\w.])v?\d+\.\d+\.\d+(?:[.-]\w+)*
      | (?<![\w.])(?!\d+(?:st|nd|rd|th|s|er|k|m|bn|mn|kb|mb|gb|tb|ms|km|cm|mm|kg|mg|g|ml|l|h|am|pm
          |w|v|ft)\b)
        (?:[a-z]+[-.]?\d+|\d+[a-z]+)\w*(?:[-.]\w+)* )
    | (?P<date>\b\d{{4}}-\d{{1,2}}-\d{{1,2}}\b
      | \b\d{{1,2}}[./]\d{{1,2}}[./](?:\d{{4}}|\d{{2}})\b
      | \b{_DAY}\s+(?:of\s+)?{_MONTH}(?:,?\s+\d{{4}}\b)?
      | \b{_MONTH}\s+{_DAY}(?!\d)(?:,?\s+\d{{4}}\b)?
      | \b{_MONTH},?\s+\d{{4}}\b)
    | (?P<time>\b\d{{1,2}}:\d{{2}}(?:\s*[ap]\.?m\b\.?)? | \b\d{{1,2}}(?:\.\d{{2}})?\s*[ap]\.?m\b\.?
      | \b\d{{1,2}}[.:]\d{{2}}\s*(?:uhr|h)\b)
    | (?P<number>(?:{_GROUPED}|\d+(?:[.,]\d+)?)(?:st|nd|rd|th)?)
    | (?P<word>[^\W\d_]+(?:'[^\W\d_]+)? | [%€$£¥])
    """,
    re.VERBOSE | re.IGNORECASE,
)
# "A thousand" is a number too; "hundreds of" is not.
_STARTS = {word: float(value) for word, value in NUMBER_WORDS.items()} | {
    word: float(SCALES[word]) for word in ("hundred", "thousand", "million", "billion")
}
_QUARTER = re.compile(r"Q([1-4])|([1-4])Q", re.IGNORECASE)  # the fourth quarter
_DATE_PARTS = re.compile(r"\d+|[^\W\d_]+")
_BETWEEN = re.compile(r"[ \t\n-]{0,3}\Z")


@dataclass(frozen=True)
class Token:
    """``values`` are all readings of a number or date; ``key`` is what equal things share.

    ``text`` is as written; ``unit`` a number's unit; ``start`` and ``end`` lie in the plain text.
    """

    kind: Kind
    key: Value
    text: str
    start: int
    end: int
    values: frozenset[object] = frozenset()
    unit: str = ""


def plain(text: str) -> str:
    """A text without marks, links' addresses and typographers' signs; lengths may change."""
    bare = _LINK.sub(r"\1", _MARK.sub(" ", text))
    return unicodedata.normalize("NFKC", bare.translate(_SIGNS)).replace("⁄", "/").replace("`", " ")


@lru_cache(maxsize=4096)
def tokens(text: str) -> tuple[Token, ...]:
    """The tokens of a ``plain`` text in order."""
    found = [_token(match) for match in _TOKEN.finditer(text)]
    return tuple(_with_units(_with_words(found, text), text))


def _token(match: re.Match[str]) -> Token:
    kind = match.lastgroup or "word"
    text, start, end = match.group(), match.start(), match.end()
    quarter = _QUARTER.fullmatch(text)
    if quarter:
        key: Value = ("ordinal", float(quarter[1] or quarter[2]))
        return Token("ordinal", key, text, start, end, frozenset({key[1]}))
    if kind == "identifier":
        return Token("identifier", ("id", squeezed(text)), text, start, end)
    if kind == "date":
        readings = _dates(text)
        if readings:
            return Token("date", ("date", min(readings)), text, start, end, frozenset(readings))
        kind = "number"
    if kind == "time":
        minutes = _times(text)
        return Token("time", ("time", min(minutes)), text, start, end, frozenset(minutes))
    if kind == "number":
        return _number(text, start, end)
    return _word(text, start, end)


def squeezed(identifier: str) -> str:
    return identifier.casefold().replace("-", "").rstrip(".")


def _word(text: str, start: int, end: int) -> Token:
    word = text.casefold().removesuffix("'s")
    if word.endswith("n't"):
        word = "not"
    elif word.partition("'")[0] in {"l", "d", "n", "qu", "s", "j", "c"}:
        word = word.partition("'")[2] or word
    root = stem(word)
    is_apart = word in NEGATIONS or root in NEGATIONS  # "noted" is no "not"
    return Token("word", ("word", word if is_apart else root), text, start, end)


def _number(text: str, start: int, end: int) -> Token:
    suffix = re.search(r"(?:st|nd|rd|th)\Z", text, re.IGNORECASE)
    digits = text[: suffix.start()] if suffix else text
    readings = _readings(digits)
    key = max(readings) if re.search(r"[,.' ]\d{3}(?!\d)", digits) else min(readings)
    if suffix:
        return Token("ordinal", ("ordinal", key), text, start, end, frozenset({key}))
    return Token("number", ("number", key), text, start, end, frozenset(readings))


def _readings(digits: str) -> set[float]:
    """``1,000`` may be a thousand or one, ``1,5`` is one and a half."""
    whole = re.sub(r"[,.' ](?=\d{3}(?!\d))", "", digits)
    found = {_float(whole.replace(",", "."))}
    if re.fullmatch(r"[1-9]\d{0,2}[.,]\d{3}", digits):
        found.add(_float(digits.replace(",", ".")))
    elif digits.startswith("0"):
        found = {_float(digits.replace(",", "."))}
    return found


def _float(digits: str) -> float:
    try:
        return float(digits[:30])
    except ValueError:
        return float(re.sub(r"\D", "", digits)[:30] or 0)


def _dates(text: str) -> set[tuple[int, int, int]]:
    """All (year, month, day) that a date may mean; 0 where it does not say."""
    parts = [part.casefold() for part in _DATE_PARTS.findall(text)]
    parts = [part for part in parts if part.isdigit() or part in MONTHS]
    named = [MONTHS[part] for part in parts if part in MONTHS]
    numbers = [int(part) for part in parts if part.isdigit()]
    if named:
        year = next((number for number in numbers if number > 31), 0)
        day = next((number for number in numbers if 1 <= number <= 31), 0)
        return {(year, named[0], day)}
    if len(numbers) != 3:
        return set()
    if numbers[0] > 31:
        return {(numbers[0], numbers[1], numbers[2])}
    first, second, year = numbers
    year += 2000 if year < 70 else 1900 if year < 100 else 0
    both = {(year, second, first), (year, first, second)}
    return {(y, month, day) for y, month, day in both if 1 <= month <= 12 and 1 <= day <= 31}


def _times(text: str) -> set[int]:
    """Minutes after midnight; without am or pm, a small hour may be either."""
    hour, minute = ([int(part) for part in re.findall(r"\d+", text)] + [0])[:2]
    half = re.search(r"([ap])\.?m", text, re.IGNORECASE)
    if half:
        hour = hour % 12 + (12 if half.group(1).lower() == "p" else 0)
        return {hour * 60 + minute}
    both = {hour * 60 + minute}
    return both | {(hour + 12) * 60 + minute} if 0 < hour < 12 and "uhr" not in text else both


def _with_words(found: list[Token], text: str) -> list[Token]:
    """Number words as numbers: ``twenty-five``, ``two hundred and five``, ``1.5 million``."""
    out: list[Token] = []
    at = 0
    while at < len(found):
        token, used = _run_of_words(found, at, text)
        out.append(token)
        at += used
    return out


def _run_of_words(found: list[Token], at: int, text: str) -> tuple[Token, int]:
    first = found[at]
    word = first.text.casefold()
    total: object
    if first.kind == "word" and word in ORDINALS:
        key: Value = ("ordinal", float(ORDINALS[word]))
        return replace(first, kind="ordinal", key=key, values=frozenset({key[1]})), 1
    if first.kind == "number":
        total, used = first.key[1], 1
    elif first.kind == "word" and word in _STARTS:
        total, used = _STARTS[word], 1
    else:
        return first, 1
    amount, used = _sum(found, at, text, float(str(total)))
    if used == 1 and first.kind == "number":
        return first, 1
    last = found[at + used - 1]
    values: frozenset[object] = frozenset({amount})
    whole = text[first.start : last.end]
    return Token("number", ("number", amount), whole, first.start, last.end, values), used


def _sum(found: list[Token], at: int, text: str, start: float) -> tuple[float, int]:
    total, current, used = 0.0, start, 1
    while at + used < len(found):
        before, token = found[at + used - 1], found[at + used]
        word = token.text.casefold()
        if not _BETWEEN.match(text[before.end : token.start]) or token.kind != "word":
            break
        if word in SCALES:
            current *= SCALES[word]
            if SCALES[word] >= 1000:
                total, current = total + current, 0.0
        elif (
            word in NUMBER_WORDS and current >= 20 and NUMBER_WORDS[word] < 10 and not current % 10
        ) or (word in NUMBER_WORDS and (total or current >= 100) and current % 100 == 0):
            current += NUMBER_WORDS[word]
        elif word != "and" or not _goes_on(found, at + used, total or current):
            break
        used += 1
    return total + current, used


def _goes_on(found: list[Token], at: int, so_far: float) -> bool:
    """``two hundred and five`` is one number, ``five and six`` are two."""
    following = found[at + 1].text.casefold() if at + 1 < len(found) else ""
    return so_far >= 100 and so_far % 100 == 0 and following in NUMBER_WORDS


def _with_units(found: list[Token], text: str) -> list[Token]:
    """Each number with the unit at its side: ``18 weeks``, ``18 paid weeks``, ``€800``."""
    return [
        replace(token, unit=_unit(found, at, text)) if token.kind == "number" else token
        for at, token in enumerate(found)
    ]


def _unit(found: list[Token], at: int, text: str) -> str:
    if at and found[at - 1].text.casefold() in UNITS and found[at - 1].end >= found[at].start - 1:
        before = UNITS[found[at - 1].text.casefold()]
        if before in {"usd", "eur", "gbp", "yen", "chf"}:
            return before
    for ahead in (1, 2):
        if at + ahead >= len(found):
            return ""
        gap = text[found[at + ahead - 1].end : found[at + ahead].start]
        following = found[at + ahead]
        if not _BETWEEN.match(gap) or following.kind != "word":
            return ""
        if following.text.casefold() in UNITS:
            return UNITS[following.text.casefold()]
    return ""
