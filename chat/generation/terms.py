"""Words as they are compared: lower case, without endings and without small words."""

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from functools import lru_cache

_WORD = re.compile(r"\w+(?:[.,]\d+)*", re.UNICODE)
_SMALL_WORDS = """
a about an and any are as at be been but by can could did do does for from had has have he her his
how i if in into is it its may me my of on or our please she should so some tell than that the
their them then there these they this those to us was we were what when where which who whom whose
why will with would you your
"""
_SMALL = frozenset(_SMALL_WORDS.split())
_ENDINGS = (("ies", "y"), ("sses", "ss"), ("ing", ""), ("ed", ""), ("es", ""), ("s", ""))


@lru_cache(maxsize=30_000)  # words come again and again
def stem(word: str) -> str:
    """A crude common form: "policies" and "policy" meet, "gas" stays."""
    if not word.isalpha():
        return word
    for ending, other in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= 3 and not word.endswith("ss"):
            return word[: -len(ending)] + other
    return word


def terms(text: str) -> list[str]:
    """The words of a text that carry meaning, in order, as stems."""
    words = (match.group().casefold() for match in _WORD.finditer(text))
    return [stem(word) for word in words if word not in _SMALL]


def rarity(texts: Iterable[Iterable[str]]) -> dict[str, float]:
    """How telling each term is among these texts: ln(1 + N / df)."""
    counts: Counter[str] = Counter()
    total = 0
    for text_terms in texts:
        counts.update(set(text_terms))
        total += 1
    return {term: math.log(1 + total / count) for term, count in counts.items()}


def coverage(wanted: Iterable[str], there: Iterable[str], weights: Mapping[str, float]) -> float:
    """The weighted share of the wanted terms that are there, 0..1.

    A wanted term that no text has weighs as much as the rarest one.
    """
    asked = set(wanted)
    most = max(weights.values(), default=1.0)
    total = sum(weights.get(term, most) for term in asked)
    if not total:
        return 0.0
    return sum(weights.get(term, most) for term in asked & set(there)) / total
