"""A row's terms by field, for engines that keep an inverted index of their own making.

The terms are those of ``knowledge.retrieval.words``, so that every engine finds the same words in
every language, and a match in a field counts as much as in the file engine.
"""

from collections import Counter
from collections.abc import Mapping

from knowledge.retrieval.backends.lexical import FIELDS
from knowledge.retrieval.types import IndexRow
from knowledge.retrieval.words import Term, analyser, field_texts

_ANALYSER = analyser()
# Fields whose terms are of one kind share a mark: a title's words are words of the body too.
_MARKS = {"body": "w", "heading": "w", "title": "w", "exact": "x", "pairs": "p"}
_SPACED = frozenset({"exact", "pairs"})  # terms of our own, joined by blanks


def key_of(term: Term) -> str:
    """A term as one string: a mark of its kind, a colon, its text."""
    return f"{_MARKS[FIELDS[term.view][0][0]]}:{term.text}"


def row_terms(row: IndexRow) -> Mapping[str, Counter[str]]:
    """How often each term (by ``key_of``) stands in each field of a row."""
    texts = field_texts(row.title, row.heading, row.text)
    return {name: _counted(name, text) for name, text in texts.items()}


def _counted(name: str, text: str) -> Counter[str]:
    found = text.split() if name in _SPACED else _ANALYSER.analyze(text)
    return Counter(f"{_MARKS[name]}:{term}" for term in found)


def boost_of(term: Term) -> float:
    """How much a match of this term counts in the field that has all of its kind."""
    return FIELDS[term.view][0][1]


def share_of(name: str) -> float:
    """How much a match in a field counts beside one in the field that has all of its kind."""
    for (_, most), *others in FIELDS.values():
        for field, boost in others:
            if field == name:
                return boost / most
    return 1.0
