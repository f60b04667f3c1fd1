"""The words of a build, in tantivy: BM25 over title, heading path, text and identifiers.

Text of a user's is never parsed as a query: its terms are made in ``knowledge.retrieval.words``.
"""

import math
from collections.abc import Sequence
from pathlib import Path

import tantivy

from knowledge.retrieval.backends.audience import Narrow
from knowledge.retrieval.backends.word_files import open_words
from knowledge.retrieval.types import IndexUnusable, Scored
from knowledge.retrieval.words import (
    MAX_TERMS,
    Term,
    View,
    search_terms,
)

# Fields of each view and how much a match in them counts; the first has all that the others have.
FIELDS: dict[View, tuple[tuple[str, float], ...]] = {
    View.WORD: (("body", 1.0), ("heading", 0.2), ("title", 0.3)),
    View.EXACT: (("exact", 1.5),),
    View.COMPOUND: (("exact", 0.5),),
    View.PAIR: (("pairs", 0.7),),
    View.PIECE: (("pairs", 0.5),),
}
_SET_FROM = 300  # numbers


class Words:
    """The lexical part of a build, read-only; one snapshot for its whole life."""

    def __init__(self, folder: Path) -> None:
        try:
            index = open_words(folder)
            index.config_reader("manual")  # a build never changes: no watcher thread
            self._searcher = index.searcher()
        except (ValueError, OSError) as error:
            raise IndexUnusable("The words of the index cannot be read.") from error
        self._schema = index.schema
        self.size = int(self._searcher.num_docs)

    def search(self, query: str, narrow: Narrow | None, limit: int) -> list[Scored]:
        """Rows by BM25, best first; ``narrow`` keeps to documents or leaves some out."""
        clauses = [
            (tantivy.Occur.Should, self._term(name, term.text, boost))
            for term in search_terms(query)
            for name, boost in FIELDS[term.view]
        ]
        if not clauses or limit <= 0 or not self.size:
            return []
        wanted = tantivy.Query.boolean_query(clauses)
        return self._run(self._narrowed(wanted, narrow), min(limit, self.size))

    def weight(self, term: Term) -> float:
        """BM25's inverse document frequency, over all rows; highest for an unknown term."""
        count = self._searcher.doc_freq(FIELDS[term.view][0][0], term.text)
        frequency = min(count, self.size)
        return math.log(1 + (self.size - frequency + 0.5) / (frequency + 0.5))

    def matches(self, terms: Sequence[Term], rows: Sequence[int]) -> dict[int, frozenset[Term]]:
        """Which of these terms (the first MAX_TERMS) stand in each of these rows.

        One query: term number i scores 2**i wherever it stands, so that a row's score, exact in a
        float32 up to 2**24, is the set of its terms.
        """
        asked = list(terms)[:MAX_TERMS]
        if not asked or not rows:
            return {row: frozenset() for row in rows}
        clauses = [
            (tantivy.Occur.Should, tantivy.Query.const_score_query(self._anywhere(term), 2.0**at))
            for at, term in enumerate(asked)
        ]
        only = self._one_of("row", [int(row) for row in rows])
        clauses.append((tantivy.Occur.Must, tantivy.Query.const_score_query(only, 0.0)))
        scored = self._run(tantivy.Query.boolean_query(clauses), len(rows))
        found = {hit.row: int(hit.score) for hit in scored}
        sets = {  # most rows share theirs with others
            marks: frozenset(term for at, term in enumerate(asked) if marks >> at & 1)
            for marks in {0, *found.values()}
        }
        return {row: sets[found.get(row, 0)] for row in rows}

    def has_row(self, row: int) -> bool:
        """Whether the row can be found again by its number."""
        only = tantivy.Query.term_query(self._schema, "row", row)
        return [hit.row for hit in self._run(only, 2)] == [row]

    def _one_of(self, field: str, numbers: Sequence[int]) -> tantivy.Query:
        """Rows whose field is one of these.

        For a set tantivy builds an automaton: a clause for each takes a third as long for a few,
        as long for 300, and twice as long for 1,000.
        """
        if len(numbers) > _SET_FROM:
            return tantivy.Query.term_set_query(self._schema, field, list(numbers))
        each = [tantivy.Query.term_query(self._schema, field, number) for number in numbers]
        return tantivy.Query.boolean_query([(tantivy.Occur.Should, query) for query in each])

    def _anywhere(self, term: Term) -> tantivy.Query:
        return tantivy.Query.term_query(self._schema, FIELDS[term.view][0][0], term.text)

    def _term(self, field: str, text: str, boost: float) -> tantivy.Query:
        return tantivy.Query.boost_query(
            tantivy.Query.term_query(self._schema, field, text, "freq"), boost
        )

    def _narrowed(self, wanted: tantivy.Query, narrow: Narrow | None) -> tantivy.Query:
        if narrow is None:
            return wanted
        documents = tantivy.Query.const_score_query(
            self._one_of("document", narrow.documents.tolist()), 0.0
        )
        occur = tantivy.Occur.MustNot if narrow.leaves_out else tantivy.Occur.Must
        return tantivy.Query.boolean_query([(tantivy.Occur.Must, wanted), (occur, documents)])

    def _run(self, query: tantivy.Query, limit: int) -> list[Scored]:
        hits = self._searcher.search(query, limit=limit, count=False).hits
        rows = self._searcher.fast_field_values("row", [address for _, address in hits])
        return [
            Scored(int(row), float(score))
            for (score, _), row in zip(hits, rows, strict=True)
            if row is not None
        ]
