"""What functions brought that is no passage, and the sentences without a footnote that rest on it.

A computed figure, a title from the list of documents, or words of a function of the site. A
sentence rests on one of them where it says it, where every figure of it is known from there or from
the question, and where it adds hardly a word of its own. Nothing of this makes a sentence green.
"""

import re
from calendar import day_name
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace

from chat.generation.support.checking import Checked
from chat.generation.support.facts import same_day
from chat.generation.support.figures import weigh_texts
from chat.generation.support.reading import claim
from chat.generation.support.scoring import by_words
from chat.generation.support.tokens import Token, plain, tokens

COMPUTED = "A function computed this; no document is cited for it."
LISTED = "This is from the list of documents, and not from their text."
ELSEWHERE = "This is from another source than the documents."

# What a question need not name: people say "half", "a dozen", "per month" or "percent".
_CONSTANTS = frozenset({*range(13), 24, 30, 31, 60, 100, 360, 365, 366, 1000, 0.25, 0.5, 0.75})
_MOST_NEW = 3  # telling words of its own: "The result, rounded, is"
# A sentence says that it is from the web, as it is asked to; that stands in no page.
_OF_WEB = re.compile(r"[,(]?[^,;:.()]*\b(?:web|internet|online)\b[^,;:.()]*[,:)]?", re.IGNORECASE)
_ROOT = 5  # letters that are compared of a word of a list: "invoice", "invoices"
# "Document" in the languages that answers come in, where a sentence gives their number.
_DOCUMENTS = re.compile(r"\b(?:docum|dokum|unterlag|datei|fichier|archiv|files?\b)", re.IGNORECASE)
_DAYS = frozenset(name.casefold() for name in day_name)


@dataclass(frozen=True)
class Ground:
    """A result of one call; ``words`` are the call and all of its result.

    Of a computed one a sentence says one of ``figures``. Of a list it names one of ``titles``, or
    says how many documents there are. Without either the words themselves must say the sentence.
    """

    words: str
    figures: str = ""
    titles: tuple[str, ...] = ()
    is_list: bool = False


@dataclass
class Grounds:
    """Of one answer. ``known`` is what the reader has said, and the passages that were brought."""

    known: list[str] = field(default_factory=list)
    brought: list[Ground] = field(default_factory=list)

    def derives(self, arguments: str) -> bool:
        """Whether what a calculation is made of was said by the reader, a passage or a function.

        One of figures that nobody named says nothing of the question. Percentages may be written
        as shares, and the constants of calendars and money need not be named.
        """
        named = _numbers(self._tokens())
        found = [token for token in _tokens(arguments) if token.kind == "number"]
        used = {value for token in found for value in _plain(token)}
        strange = {value for value in used if not _is_made_of(value, named)}
        return bool(used - _CONSTANTS - strange) and strange <= _CONSTANTS

    def is_dated(self, arguments: str, today: str) -> bool:
        """Whether a day that is reckoned with was said, or is today."""
        if re.search(r"\btoday\b", arguments, re.IGNORECASE) or today in arguments:
            return True
        days = [one for one in self._tokens() if one.kind == "date"]
        return any(same_day(day, mine) for mine in _tokens(arguments) for day in days)

    def carry(self, words: str) -> str:
        """Why a sentence without a footnote may stand; empty where nothing carries it."""
        said = tokens(plain(words))
        if not self.brought or not self._knows(said):
            return ""
        return next((why for one in self.brought if (why := self._why(words, said, one))), "")

    def _why(self, words: str, said: Sequence[Token], ground: Ground) -> str:
        telling = set(claim(words).words)
        new = telling - {token.key for token in self._tokens()}
        if ground.is_list:
            listed = {str(token.key[1])[:_ROOT] for token in _tokens(ground.words)}
            theirs = (str(key[1]) for key in telling)
            foreign = [w for w in theirs if w[:_ROOT] not in listed and not _DOCUMENTS.match(w)]
            is_plain = 2 * len(new) <= len(telling) and 3 * len(foreign) < 2 * len(telling)
            has_unit = any(token.unit for token in said)
            is_named = any(_names(words, title) for title in ground.titles)
            is_counted = _says(said, ground.figures) and _DOCUMENTS.search(words)
            return LISTED if (is_named or is_counted) and is_plain and not has_unit else ""
        if ground.figures:
            return COMPUTED if _says(said, ground.figures) and len(new) <= _MOST_NEW else ""
        return ELSEWHERE if _is_said(words, ground.words) else ""

    def _knows(self, said: Sequence[Token]) -> bool:
        """Whether every figure in digits, and every code, stands somewhere or rounds what does."""
        there = self._tokens()
        numbers, keys = _numbers(there), {token.key for token in there}
        results = _numbers(t for one in self.brought for t in _tokens(one.figures))
        return all(
            token.key in keys
            or any(same_day(token, other) for other in there)
            or bool(token.values & numbers)
            or _rounds(token, results)
            for token in said
            if token.kind != "word" and re.search(r"\d", token.text)
        )

    def _tokens(self) -> list[Token]:
        texts = [*self.known, *(one.words for one in self.brought)]
        return [token for text in texts for token in _tokens(text)]


def with_grounds(checked: Sequence[Checked], grounds: Grounds | None) -> list[Checked]:
    """A sentence without a footnote that a function carries cannot be told, instead of wrong."""
    if grounds is None:
        return list(checked)
    return [_carried(one, grounds) for one in checked]


def _carried(one: Checked, grounds: Grounds) -> Checked:
    if one.sentence.support != "unsupported" or one.passages:
        return one
    why = grounds.carry(one.words)
    return replace(one, sentence=replace(one.sentence, support="unknown", why=why)) if why else one


def _tokens(text: str) -> tuple[Token, ...]:
    return tokens(plain(text))


def _numbers(found: Iterable[Token]) -> set[object]:
    """All figures, with the parts of dates."""
    values: set[object] = set()
    for token in found:
        values |= token.values
        for day in token.values if token.kind == "date" else ():
            values |= set(map(float, day)) if isinstance(day, tuple) else set()
    return values


def _plain(token: Token) -> list[float]:
    """The one reading of a number in an expression, which knows no thousands with points."""
    if re.fullmatch(r"\d+(?:\.\d+)?", token.text):
        return [float(token.text)]
    return [value for value in token.values if isinstance(value, float)]


def _is_made_of(value: float, named: Collection[object]) -> bool:
    """A figure as it was named, or as the share, the rest or the rise that a percentage is."""
    shares = (100 * value, 100 * (1 - value), 100 * (value - 1))
    return value in named or any(round(share, 9) in named for share in shares)


def _is_said(words: str, text: str) -> bool:
    """Whether a text says a sentence, by its words alone."""
    bare = _OF_WEB.sub("", words)
    wordings = dict.fromkeys((words, bare if re.search(r"\w", bare) else words))
    weighed = [weigh_texts(wording, [(text, "")]) for wording in wordings]
    least = by_words().supported_from
    return any(by_words().chance(one.figures) >= least and not one.findings for one in weighed)


def _says(said: Sequence[Token], figures: str) -> bool:
    """Whether a sentence says one of the figures, days or days of the week."""
    found = _tokens(figures)
    numbers = _numbers(token for token in found if token.kind != "date")
    weekdays = {token.key for token in found if token.text.casefold() in _DAYS}
    return any(
        token.key in weekdays
        or any(same_day(token, other) for other in found)
        or (token.kind == "number" and bool(token.values & numbers))
        or _rounds(token, numbers)
        for token in said
    )


def _rounds(token: Token, results: Collection[object]) -> bool:
    """Whether a number is a result with fewer decimals."""
    if token.kind != "number" or not re.search(r"\d", token.text):
        return False
    places = len(re.split(r"[.,]", token.text)[-1]) if re.search(r"[.,]", token.text) else 0
    values = [value for value in token.values if isinstance(value, float)]
    exact = [value for value in results if isinstance(value, float) and value % 1]
    near = 0.5 * 10**-places + 1e-9
    return any(abs(value - one) <= near and value for value in values for one in exact)


def _names(words: str, title: str) -> bool:
    """Whether a title stands in a sentence as it is written: many are plain words, too."""
    wanted = " ".join(plain(title).split())
    there = " ".join(plain(words).split())
    return bool(wanted) and re.search(rf"(?<!\w){re.escape(wanted)}(?!\w)", there) is not None
