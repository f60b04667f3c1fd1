"""The words of a build, in tantivy: BM25 over title, heading path, text and identifiers.

Text of a user's is never parsed as a query: its terms are made in ``knowledge.retrieval.words``.
"""

import math
from collections.abc import Iterable, Sequence
from pathlib import Path

import tantivy

from knowledge.retrieval.types import IndexRow, IndexUnusable, Scored
from knowledge.retrieval.words import (
    MAX_TERMS,
    Term,
    View,
    analyser,
    character_pairs,
    identifiers,
    question_terms,
    spaced_analyser,
)

# Fields of each view and how much a match in them counts.
FIELDS: dict[View, tuple[tuple[str, float], ...]] = {
    View.WORD: (("body", 1.0), ("heading", 0.5), ("title", 0.8)),
    View.EXACT: (("exact", 1.5),),
    View.PAIR: (("pairs", 0.7),),
}
_WRITER_BYTES = 64 * 1024 * 1024
_ANALYSER, _SPACED = "footnote_words", "footnote_spaced"


def _schema() -> tantivy.Schema:
    builder = tantivy.SchemaBuilder()
    builder.add_integer_field("row", indexed=True, fast=True)
    builder.add_integer_field("document", indexed=True, fast=True)
    for name in ("title", "heading", "body"):
        builder.add_text_field(name, tokenizer_name=_ANALYSER, index_option="freq")
    for name in ("exact", "pairs"):
        builder.add_text_field(name, tokenizer_name=_SPACED, index_option="freq")
    return builder.build()


def _register(index: tantivy.Index) -> tantivy.Index:
    index.register_tokenizer(_ANALYSER, analyser())
    index.register_tokenizer(_SPACED, spaced_analyser())
    return index


def write_words(folder: Path, rows: Iterable[IndexRow]) -> None:
    """Write the rows, numbered from 0, into an empty folder."""
    index = _register(tantivy.Index(_schema(), path=str(folder), reuse=False))
    writer = index.writer(heap_size=_WRITER_BYTES, num_threads=1)
    for number, row in enumerate(rows):
        document = tantivy.Document()
        document.add_integer("row", number)
        document.add_integer("document", row.document_id)
        document.add_text("title", row.title)
        document.add_text("heading", row.heading)
        document.add_text("body", row.text)
        whole = f"{row.title}\n{row.heading}\n{row.text}"
        document.add_text("exact", " ".join(identifiers(whole)))
        document.add_text("pairs", " ".join(character_pairs(whole)))
        writer.add_document(document)
    writer.commit()
    writer.wait_merging_threads()


class Words:
    """The lexical part of a build, read-only; one snapshot for its whole life."""

    def __init__(self, folder: Path) -> None:
        try:
            index = _register(tantivy.Index.open(str(folder)))
            index.config_reader("manual")  # a build never changes: no watcher thread
            self._searcher = index.searcher()
        except (ValueError, OSError) as error:
            raise IndexUnusable("The words of the index cannot be read.") from error
        self._schema = index.schema
        self.size = int(self._searcher.num_docs)

    def search(self, query: str, narrow: "Narrow", limit: int) -> list[Scored]:
        """Rows by BM25, best first; ``narrow`` keeps to documents or leaves some out."""
        clauses = [
            (tantivy.Occur.Should, self._term(name, term.text, boost))
            for term in question_terms(query)
            for name, boost in FIELDS[term.view]
        ]
        if not clauses or limit <= 0 or not self.size:
            return []
        wanted = tantivy.Query.boolean_query(clauses)
        return self._run(self._narrowed(wanted, narrow), min(limit, self.size))

    def weight(self, term: Term) -> float:
        """BM25's inverse document frequency, over all rows; highest for an unknown term."""
        counts = (self._searcher.doc_freq(name, term.text) for name, _ in FIELDS[term.view])
        frequency = min(max(counts), self.size)
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
        only = tantivy.Query.term_set_query(self._schema, "row", [int(row) for row in rows])
        clauses.append((tantivy.Occur.Must, tantivy.Query.const_score_query(only, 0.0)))
        scored = self._run(tantivy.Query.boolean_query(clauses), len(rows))
        found = {hit.row: int(hit.score) for hit in scored}
        return {
            row: frozenset(term for at, term in enumerate(asked) if found.get(row, 0) >> at & 1)
            for row in rows
        }

    def has_row(self, row: int) -> bool:
        """Whether the row can be found again by its number."""
        only = tantivy.Query.term_query(self._schema, "row", row)
        return [hit.row for hit in self._run(only, 2)] == [row]

    def _anywhere(self, term: Term) -> tantivy.Query:
        fields = [
            (tantivy.Occur.Should, tantivy.Query.term_query(self._schema, name, term.text))
            for name, _ in FIELDS[term.view]
        ]
        return tantivy.Query.boolean_query(fields)

    def _term(self, field: str, text: str, boost: float) -> tantivy.Query:
        return tantivy.Query.boost_query(
            tantivy.Query.term_query(self._schema, field, text, "freq"), boost
        )

    def _narrowed(self, wanted: tantivy.Query, narrow: "Narrow") -> tantivy.Query:
        if narrow.is_open:
            return wanted
        documents = tantivy.Query.const_score_query(
            tantivy.Query.term_set_query(self._schema, "document", list(narrow.documents)), 0.0
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


class Narrow:
    """Documents to keep to, or to leave out; neither where ``is_open``."""

    def __init__(self, documents: Iterable[int] = (), *, leaves_out: bool = True) -> None:
        self.documents = tuple(documents)
        self.leaves_out = leaves_out

    @property
    def is_open(self) -> bool:
        return self.leaves_out and not self.documents
