"""Searching a release in PostgreSQL."""

import math
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from uuid import UUID

import numpy as np
import psycopg
from psycopg import sql

from knowledge.retrieval.backends.lexical import FIELDS
from knowledge.retrieval.backends.pgvector.tables import (
    EXACT_ROWS,
    LETTERS,
    Release,
    as_vectors,
    know_vectors,
    quoted,
    stream,
)
from knowledge.retrieval.backends.terms import key_of
from knowledge.retrieval.types import Manifest, Scored, Vector, Vectors
from knowledge.retrieval.words import MAX_TERMS, Term, View, search_terms

Connect = Callable[[], AbstractContextManager[psycopg.Connection[Any]]]

# The graph of vectors forgets rows behind a filter. It is asked only by who may see most rows, and
# with so long a list that it finds .99 of what a scan finds.
_GRAPH_SHARE = 0.5
_GRAPH_DEPTH = 400
_MODE = "SELECT set_config('hnsw.ef_search', %s, true)"


@dataclass(frozen=True)
class Allowed:
    """The documents that a caller may see: none but these, or all but these."""

    count: int  # of rows
    documents: tuple[int, ...] = ()
    leaves_out: bool = True

    @property
    def condition(self) -> sql.Composable:
        if self.leaves_out and not self.documents:
            return sql.SQL("true")
        form = "document <> ALL({ids})" if self.leaves_out else "document = ANY({ids})"
        return sql.SQL(form).format(ids=sql.Literal(list(self.documents)))


class PgvectorIndex:
    """A release in the database; any number of threads may search it.

    Where the database fails, its errors (``psycopg.Error``) go through to the caller.
    """

    def __init__(self, connect: Connect, release: Release, manifest: Manifest) -> None:
        self._connect = connect
        self._release = release
        self.manifest = manifest
        self.size = release.size

    @property
    def dimension(self) -> int:
        return self.manifest.dimension

    @cached_property
    def _shelf(self) -> dict[int, tuple[int, int]]:
        """Of each document its version and its number of rows."""
        found = self._ask(
            "SELECT document, max(version), count(*) FROM {rows} WHERE {visible} GROUP BY document"
        )
        return {row[0]: (row[1], row[2]) for row in found}

    def allow(self, document_ids: Collection[int] | None) -> Allowed:
        """The rows of these documents but for hidden ones; None means every document."""
        shelf = self._shelf
        known = set(shelf)
        wanted = known if document_ids is None else known & {int(one) for one in document_ids}
        if len(wanted) == len(known):
            return Allowed(self.manifest.rows)
        count = sum(shelf[document][1] for document in wanted)
        denied = known - wanted
        if len(denied) < len(wanted):
            return Allowed(count, tuple(sorted(denied)))
        return Allowed(count, tuple(sorted(wanted)), leaves_out=False)

    def dense(self, vector: Vector, allowed: Allowed, limit: int) -> list[Scored]:
        """By inner product, best first; empty for a vector that is not finite."""
        if vector.shape != (self.dimension,):
            raise ValueError(f"A vector of {vector.shape} for an index of {self.dimension}.")
        wanted = min(limit, allowed.count)
        if wanted <= 0 or not np.isfinite(vector).all():
            return []
        by_graph = self._nearest(vector, allowed, wanted, by_graph=True)
        if len(by_graph) == wanted:
            return by_graph
        return self._nearest(vector, allowed, wanted, by_graph=False)

    def lexical(self, query: str, allowed: Allowed, limit: int) -> list[Scored]:
        """By rarity and PostgreSQL's rank of each term, best first."""
        wanted = min(limit, allowed.count)
        terms = search_terms(query)
        if wanted <= 0 or not terms:
            return []
        parts, anyone = [], []
        for term in terms:
            letters, factor = _letters(term.view)
            lexeme = sql.Literal(quoted(key_of(term)))
            parts.append(
                sql.SQL(
                    "{weight} * ts_rank({letters}::float4[], words, {term}::tsquery, 1)"
                ).format(
                    weight=sql.Literal(self.lexical_weight(term) * factor),
                    letters=sql.Literal(letters),
                    term=lexeme,
                )
            )
            anyone.append(quoted(key_of(term)))
        found = self._ask(
            "SELECT row, {score} AS score FROM {rows} WHERE words @@ {anyone}::tsquery "
            "AND {visible} AND {allowed} ORDER BY score DESC, row LIMIT {limit}",
            score=sql.SQL(" + ").join(parts),
            anyone=sql.Literal(" | ".join(anyone)),
            allowed=allowed.condition,
            limit=sql.Literal(wanted),
        )
        return [Scored(int(row), float(score)) for row, score in found if score > 0]

    def vectors(self, rows: Sequence[int]) -> Vectors:
        """The stored vectors, in the order asked for, shape (n, dimension)."""
        found = self._of_rows("embedding", rows) if rows else {}
        return as_vectors(found, rows, self.dimension)

    def lexical_weight(self, term: Term) -> float:
        """The inverse document frequency of a term; highest for an unknown one."""
        size = self.manifest.rows
        frequency = min(self._frequencies.get(key_of(term)), size)
        return math.log(1 + (size - frequency + 0.5) / (frequency + 0.5))

    def matches(self, terms: Sequence[Term], rows: Sequence[int]) -> dict[int, frozenset[Term]]:
        """Which of these terms (the first 20) stand in each of these rows."""
        asked = list(terms)[:MAX_TERMS]
        found: dict[int, set[Term]] = {row: set() for row in rows}
        if not asked or not rows:
            return {row: frozenset() for row in rows}
        pairs = self._ask(
            "SELECT row, at FROM {rows}, "
            "unnest({lexemes}::text[]) WITH ORDINALITY AS t(lexeme, at) "
            "WHERE row = ANY({asked}) AND words @@ lexeme::tsquery",
            lexemes=sql.Literal([quoted(key_of(term)) for term in asked]),
            asked=sql.Literal([int(row) for row in rows]),
        )
        for row, at in pairs:
            found[row].add(asked[at - 1])
        return {row: frozenset(terms_of) for row, terms_of in found.items()}

    def documents(self, rows: Sequence[int]) -> list[int]:
        """The document of each of these rows."""
        found = self._of_rows("document", rows) if rows else {}
        return [int(found[row]) for row in rows]

    def chunk_ids(self, rows: Sequence[int]) -> list[UUID]:
        """The chunk of each of these rows."""
        found = self._of_rows("chunk", rows) if rows else {}
        return [found[row] for row in rows]

    def versions(self) -> dict[int, int]:
        """The version of each document, of what is not hidden."""
        return {document: version for document, (version, _) in self._shelf.items()}

    def every_chunk(self) -> Iterator[tuple[UUID, int, int]]:
        """Chunk, document and version of every row that is not hidden."""
        query = sql.SQL(
            "SELECT chunk, document, version FROM {rows} WHERE {visible} ORDER BY row"
        ).format(rows=self._release.rows, visible=self._release.visible)
        with self._connect() as connection, connection.transaction():
            yield from stream(connection, query)

    @cached_property
    def _frequencies(self) -> "_Frequencies":
        return _Frequencies(self._ask, self._release)

    def _nearest(
        self, vector: Vector, allowed: Allowed, limit: int, *, by_graph: bool
    ) -> list[Scored]:
        share = allowed.count / max(self.manifest.rows, 1)
        if by_graph and (self.manifest.rows <= EXACT_ROWS or share < _GRAPH_SHARE):
            return []
        with self._connect() as connection, connection.transaction():
            know_vectors(connection)
            if by_graph:
                connection.execute(_MODE, (str(_GRAPH_DEPTH),))
            else:
                connection.execute("SET LOCAL enable_indexscan = off")
            found = connection.execute(
                sql.SQL(
                    "SELECT row, -(embedding <#> %(vector)s) FROM {rows} "
                    "WHERE {visible} AND {allowed} ORDER BY embedding <#> %(vector)s LIMIT {limit}"
                ).format(
                    rows=self._release.rows,
                    visible=self._release.visible,
                    allowed=allowed.condition,
                    limit=sql.Literal(limit),
                ),
                {"vector": np.asarray(vector, dtype=np.float32)},
            ).fetchall()
        return [Scored(int(row), float(score)) for row, score in found]

    def _of_rows(self, column: str, rows: Sequence[int]) -> dict[int, Any]:
        found = self._ask(
            "SELECT row, {column} FROM {rows} WHERE row = ANY({asked})",
            column=sql.Identifier(column),
            asked=sql.Literal([int(row) for row in rows]),
        )
        return dict(found)

    def _ask(self, form: str, **parts: sql.Composable) -> list[tuple[Any, ...]]:
        query = sql.SQL(form).format(
            rows=self._release.rows,
            visible=self._release.visible,
            **parts,
        )
        with self._connect() as connection:
            know_vectors(connection)
            return connection.execute(query).fetchall()


class _Frequencies:
    """How many rows have a term, asked once each."""

    def __init__(self, ask: Callable[..., list[tuple[Any, ...]]], release: Release) -> None:
        self._ask = ask
        self._release = release
        self._known: dict[str, int] = {}

    def get(self, key: str) -> int:
        if "\0" in key:  # no text has it, and PostgreSQL does not take it
            return 0
        if key not in self._known:
            found = self._ask(
                "SELECT coalesce(sum(number), 0) FROM {counts} WHERE word = {word} "
                "AND part IN (0, {part})",
                counts=self._release.counts,
                word=sql.Literal(key),
                part=sql.Literal(self._release.part),
            )
            self._known[key] = int(found[0][0])
        return self._known[key]


def _letters(view: View) -> tuple[list[float], float]:
    """PostgreSQL's weights of the letters D, C, B, A, each at most 1, and the factor before."""
    by_letter = dict.fromkeys("DCBA", 0.0)
    for name, boost in FIELDS[view]:
        by_letter[LETTERS[name]] = boost
    factor = max(by_letter.values())
    return [value / factor for value in by_letter.values()], factor
