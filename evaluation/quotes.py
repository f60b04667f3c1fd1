"""Where a quote stands in a text: exactly, or with other spaces, marks and case.

A person copies a quote from the page, where Markdown's marks are not shown, and a new version of a
document may break its lines elsewhere. So a quote is looked for three times, each time more
loosely: as it is; with any white space, quotation marks, dashes and case; and, if it is long
enough to be told from others by its letters alone, by letters and digits only.
"""

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

Place = tuple[int, int]  # start and end in characters of the text

MAX_QUOTE = 4000
_MOST = 50  # places of one quote: what stands more often says nothing
# Letters and digits below which "1.5" would be found in "15" and a word inside another one.
_LETTERS = 20
_MARKS = str.maketrans(
    {
        **dict.fromkeys("‘’‚‛′`´", "'"),
        **dict.fromkeys("“”„‟″«»", '"'),
        **dict.fromkeys("‐‑‒–—―−", "-"),
    }
)
_SPACED, _LETTERED = re.compile(r"\S+"), re.compile(r"[^\W_]+")
_LINK_ADDRESS = re.compile(r"\]\([^()\s]*+\)")  # possessive: no text makes it try twice


def find(quote: str, text: str, position: float | None = None) -> list[Place]:
    """All places of a quote in a text, in order; empty where it is not there.

    Time grows with the length of both and not with their product.

    Args:
        quote: any words; their spaces, marks and case need not be those of the text.
        text: in NFC, as stored texts are.
        position: 0..1, where the quote once stood; with it only the place nearest to there.
    """
    quote = unicodedata.normalize("NFC", quote).strip()[:MAX_QUOTE]
    if not quote or not text:
        return []
    places = _whole_words(_places(quote, text), text) or _loosely(quote, text)
    if position is None or len(places) < 2:
        return places
    return [min(places, key=lambda place: abs(place[0] - position * len(text)))]


def _loosely(quote: str, text: str) -> list[Place]:
    spaced = _reduced(quote, " ", _SPACED).text
    places = _whole_words(_reduced(text, " ", _SPACED).places(spaced), text)
    if places:
        return places
    lettered = _reduced(quote, "", _LETTERED).text
    if len(lettered) < _LETTERS:
        return []
    return _whole_words(_reduced(text, "", _LETTERED).places(lettered), text)


@dataclass(frozen=True)
class _Reduced:
    """A text with less told apart, and where each of its words came from."""

    text: str
    starts: list[int]  # of each word, in `text`
    origins: list[int]  # of each word, in the text it was made of

    def places(self, wanted: str) -> Iterator[Place]:
        """The places of some words in the text that this one was made of."""
        for start, end in _places(wanted, self.text):
            yield self._origin(start), self._origin(end - 1) + 1

    def _origin(self, at: int) -> int:
        word = bisect_right(self.starts, at) - 1
        return self.origins[word] + at - self.starts[word]


@lru_cache(maxsize=8)  # many quotes are looked for in one document after another
def _reduced(text: str, between: str, words: "re.Pattern[str]") -> _Reduced:
    """Every step but the last keeps each character where it is."""
    plain = _lowered(text.translate(_MARKS))
    if not between:
        plain = _LINK_ADDRESS.sub(lambda link: " " * len(link.group()), plain)
    found = [(match.start(), match.group()) for match in words.finditer(plain)]
    starts, at = [], 0
    for _, word in found:
        starts.append(at)
        at += len(word) + len(between)
    return _Reduced(between.join(word for _, word in found), starts, [start for start, _ in found])


def _lowered(text: str) -> str:
    lowered = text.lower()
    if len(lowered) == len(text):
        return lowered
    return "".join(low if len(low := c.lower()) == 1 else c for c in text)


def _places(wanted: str, text: str) -> Iterator[Place]:
    at = text.find(wanted) if wanted else -1
    while at >= 0:
        yield at, at + len(wanted)
        at = text.find(wanted, at + len(wanted))


def _whole_words(places: Iterator[Place], text: str) -> list[Place]:
    """The first of them that cut no word: "cat" is not quoted from "concatenate"."""
    found: list[Place] = []
    for start, end in places:
        if _is_edge(text, start) and _is_edge(text, end):
            found.append((start, end))
            if len(found) == _MOST:
                break
    return found


def _is_edge(text: str, at: int) -> bool:
    """Whether a word may begin or end here; scripts without spaces have no such edges."""
    if not 0 < at < len(text):
        return True
    return not (_joins(text[at - 1]) and _joins(text[at]))


def _joins(character: str) -> bool:
    # From Thai on, most scripts write without spaces between words.
    return character.isalnum() and (character < "\u0e00" or character.isdecimal())
