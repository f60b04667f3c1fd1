"""Text to terms, the same way for what is indexed and for what is asked.

Three views of a text, each a field of the lexical index: stemmed words, exact identifiers
(``C4996``, ``no-unused-vars``, ``settings.DEBUG``), and pairs of characters for scripts that put
no space between words.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

import tantivy

MAX_TERMS = 20  # of a question: more say nothing new, and term marks stay exact in a float32
_LONGEST_TERM = 64
_WORD_PATTERN = r"[\p{L}\p{M}\p{N}]+"
_RUN = re.compile(r"[\w.:/@#+-]+")
_WORD = re.compile(r"\w+")
_INNER = re.compile(r"[\d_.:/@#+-]")
_CAMEL = re.compile(r"[a-z][A-Z]")
_NUMBER = re.compile(r"[\d.,:/-]+$")
# Han, kana, Thai, Lao, Khmer, Burmese: written without spaces between words.
_UNSPACED = re.compile(
    "[\u0e01-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff"
    "\uf900-\ufaff\U00020000-\U0003ffff]+"
)
_STOP_WORDS_TEXT = """
a about above after again against all also am an and any are as at be because been before being
below between both but by can could did do does doing don down during each few for from further get
got had has have having he her here hers herself him himself his how i if in into is it its itself
just let like many may me might more most much must my myself no nor not of off on once only or
other our ours ourselves out over own please same shall she should so some such tell than that the
their theirs them themselves then there these they this those through to too under until up us
very was we were what when where which while who whom whose why will with would you your yours
yourself yourselves
"""
STOP_WORDS = frozenset(_STOP_WORDS_TEXT.split())


class View(StrEnum):
    """The three views of a text."""

    WORD = "word"
    EXACT = "exact"
    PAIR = "pair"


@dataclass(frozen=True)
class Term:
    """A term as it stands in the index."""

    text: str
    view: View


def analyser() -> tantivy.TextAnalyzer:
    """Unicode words, lower-cased, accents folded, English endings cut (elsewhere nearly idle)."""
    builder = tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.regex(_WORD_PATTERN))
    for step in (
        tantivy.Filter.remove_long(_LONGEST_TERM),
        tantivy.Filter.lowercase(),
        tantivy.Filter.ascii_fold(),
        tantivy.Filter.stemmer("english"),
    ):
        builder = builder.filter(step)
    return builder.build()


def spaced_analyser() -> tantivy.TextAnalyzer:
    """For fields whose terms we made ourselves and joined by spaces."""
    return tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.whitespace()).build()


_ANALYSER = analyser()


def question_terms(question: str) -> list[Term]:
    """What carries a question, each once, at most MAX_TERMS.

    Its words without the small ones, or the small ones if it has no others; its identifiers; pairs
    of characters in place of words that have no spaces.
    """
    exact = [Term(text, View.EXACT) for text in identifiers(question)]
    pairs = [Term(text, View.PAIR) for text in character_pairs(question)]
    words = _WORD.findall(_UNSPACED.sub(" ", question))
    carrying = [word for word in words if word.lower() not in STOP_WORDS and len(word) > 1]
    if not carrying and not pairs:
        carrying = words
    stems = _ANALYSER.analyze(" ".join(carrying))
    terms = dict.fromkeys([*exact, *(Term(text, View.WORD) for text in stems), *pairs])
    return list(terms)[:MAX_TERMS]


def identifiers(text: str) -> Iterator[str]:
    """Names that are more than a word, lower-cased: with a digit, sign or capital inside."""
    for match in _RUN.finditer(text):
        part = match.group().rstrip("./:@-").lstrip("./:@-#+")
        if not 1 < len(part) <= _LONGEST_TERM or _NUMBER.fullmatch(part):
            continue
        if _INNER.search(part) or _CAMEL.search(part):
            yield part.lower()


def character_pairs(text: str) -> Iterator[str]:
    """Overlapping pairs (single where alone) of characters of scripts without spaces."""
    for match in _UNSPACED.finditer(text):
        run = match.group()
        if len(run) == 1:
            yield run
        for at in range(len(run) - 1):
            yield run[at : at + 2]
