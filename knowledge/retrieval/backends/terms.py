"""A row's terms by field, for engines that keep an inverted index of their own making.

The terms are those of ``knowledge.retrieval.words``, so that every engine finds the same words in
every language, and the fields count as much as in the file engine.
"""

from collections import Counter
from collections.abc import Iterable, Mapping

from knowledge.retrieval.backends.lexical import FIELDS
from knowledge.retrieval.types import IndexRow
from knowledge.retrieval.words import Term, View, analyser, field_texts

_ANALYSER = analyser()
_MARKS = {
    View.WORD: "w",
    View.EXACT: "x",
    View.COMPOUND: "x",
    View.PAIR: "p",
    View.PIECE: "p",
}


def key_of(term: Term) -> str:
    """A term as one string: a mark of its view, a colon, its text."""
    return f"{_MARKS[term.view]}:{term.text}"


def row_terms(row: IndexRow) -> Mapping[str, Counter[str]]:
    """How often each term (by ``key_of``) stands in each field of a row."""
    texts = field_texts(row.title, row.heading, row.text)
    words = {name: _ANALYSER.analyze(texts[name]) for name in ("title", "heading", "body")}
    return {
        **{name: _counted(View.WORD, found) for name, found in words.items()},
        "exact": _counted(View.EXACT, texts["exact"].split()),
        "pairs": _counted(View.PAIR, texts["pairs"].split()),
    }


def _counted(view: View, texts: Iterable[str]) -> Counter[str]:
    return Counter(key_of(Term(text, view)) for text in texts)


def boosts() -> dict[str, float]:
    """How much a match in each field counts, by the field's first view."""
    return {name: boost for fields in reversed(FIELDS.values()) for name, boost in fields}
