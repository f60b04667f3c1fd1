"""The tables of the engine, and what of a release is put into them.

A full release has a table of its own. Its extensions add rows to it under a part number of their
own and name the documents that they replace, so that base and extensions are read side by side and
none is ever changed.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from weakref import WeakSet

import numpy as np
import psycopg
from pgvector.psycopg import register_vector
from psycopg import sql

from knowledge.retrieval.backends.terms import row_terms
from knowledge.retrieval.types import IndexRow, Vectors

SCHEMA = "footnote_index"
BASE_PART = 0
# Above it a graph index is built: a scan of so many rows of 384 dimensions takes about 50 ms.
EXACT_ROWS = 50_000
LETTERS = {"title": "A", "heading": "B", "exact": "C", "pairs": "C", "body": "D"}
_POSITIONS_MAX = 255  # of one word in one row, a limit of PostgreSQL's
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")
_SET_UP = f"""
CREATE EXTENSION IF NOT EXISTS vector;
CREATE SCHEMA IF NOT EXISTS {SCHEMA};
CREATE SEQUENCE IF NOT EXISTS {SCHEMA}.numbers;
CREATE TABLE IF NOT EXISTS {SCHEMA}.releases (
    name text PRIMARY KEY,
    rows_table text NOT NULL,
    part bigint NOT NULL,
    replaced bigint[] NOT NULL DEFAULT '{{}}',
    size bigint NOT NULL,
    manifest text NOT NULL,
    is_removed boolean NOT NULL DEFAULT false
);
"""
_TAUGHT: WeakSet[psycopg.Connection[Any]] = WeakSet()
_LOCK = 7_066_701_301  # an arbitrary key of ours: whoever sets up, builds or removes holds it


@dataclass(frozen=True)
class Release:
    """A row of ``releases``."""

    name: str
    table: str
    part: int
    replaced: tuple[int, ...]
    size: int
    manifest: str

    @property
    def rows(self) -> sql.Identifier:
        return sql.Identifier(SCHEMA, self.table)

    @property
    def counts(self) -> sql.Identifier:
        """How many rows each word stands in."""
        return sql.Identifier(SCHEMA, f"{self.table}_words")

    @property
    def visible(self) -> sql.Composable:
        """The condition of the rows that belong to this release."""
        if self.part == BASE_PART:
            return sql.SQL("part = 0")
        return sql.SQL("(part = {part} OR (part = 0 AND document <> ALL({replaced})))").format(
            part=sql.Literal(self.part), replaced=sql.Literal(list(self.replaced))
        )


def is_name(name: str) -> bool:
    """Whether a release may have this name."""
    return bool(_NAME.fullmatch(name))


def set_up(connection: psycopg.Connection[Any]) -> None:
    """Make extension, schema and tables where they are missing; holds the engine's lock."""
    connection.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
    connection.execute(_SET_UP)


def is_set_up(connection: psycopg.Connection[Any]) -> bool:
    row = connection.execute("SELECT to_regclass(%s)", (f"{SCHEMA}.releases",)).fetchone()
    return row is not None and row[0] is not None


def find(connection: psycopg.Connection[Any], name: str) -> Release | None:
    """A complete release that was not removed."""
    if not is_set_up(connection):
        return None
    row = connection.execute(
        f"SELECT name, rows_table, part, replaced, size, manifest FROM {SCHEMA}.releases "  # noqa: S608
        "WHERE name = %s AND NOT is_removed",
        (name,),
    ).fetchone()
    return Release(row[0], row[1], row[2], tuple(row[3]), row[4], row[5]) if row else None


def create(connection: psycopg.Connection[Any], table: str, dimension: int) -> None:
    """An empty table of rows, and the one of its words' counts."""
    connection.execute(
        sql.SQL(
            "CREATE TABLE {rows} (row bigint NOT NULL, part bigint NOT NULL, chunk uuid NOT NULL, "
            "document bigint NOT NULL, version bigint NOT NULL, words tsvector NOT NULL, "
            "embedding vector({dimension}) NOT NULL); "
            "CREATE TABLE {counts} (part bigint NOT NULL, word text NOT NULL, "
            "number bigint NOT NULL)"
        ).format(
            rows=sql.Identifier(SCHEMA, table),
            counts=sql.Identifier(SCHEMA, f"{table}_words"),
            dimension=sql.Literal(dimension),
        )
    )


def fill(
    connection: psycopg.Connection[Any], release: Release, rows: Iterable[IndexRow], first: int
) -> tuple[int, set[int], set[Any]]:
    """Copy rows in, numbered from ``first``; returns how many, their documents and their chunks."""
    documents: set[int] = set()
    chunks: set[Any] = set()
    counts: Counter[str] = Counter()
    copy = sql.SQL("COPY incoming (row, chunk, document, version, words, embedding) FROM STDIN")
    connection.execute(
        "CREATE TEMPORARY TABLE incoming (row bigint, chunk uuid, document bigint, version bigint, "
        "words text, embedding vector) ON COMMIT DROP"
    )
    count = 0
    with connection.cursor() as cursor, cursor.copy(copy) as stream:
        stream.set_types(["int8", "uuid", "int8", "int8", "text", "vector"])
        for row in rows:
            terms = row_terms(row)
            stream.write_row(
                (
                    first + count,
                    row.chunk_id,
                    row.document_id,
                    row.version_id,
                    _tsvector(terms),
                    row.vector,
                )
            )
            counts.update({word for field in terms.values() for word in field})
            documents.add(row.document_id)
            chunks.add(row.chunk_id)
            count += 1
    connection.execute(
        sql.SQL(
            "INSERT INTO {rows} (row, part, chunk, document, version, words, embedding) "
            "SELECT row, {part}, chunk, document, version, words::tsvector, embedding FROM incoming"
        ).format(rows=release.rows, part=sql.Literal(release.part))
    )
    _fill_counts(connection, release, counts)
    return count, documents, chunks


def _fill_counts(
    connection: psycopg.Connection[Any], release: Release, counts: Mapping[str, int]
) -> None:
    copy = sql.SQL("COPY {counts} (part, word, number) FROM STDIN").format(counts=release.counts)
    with connection.cursor() as cursor, cursor.copy(copy) as stream:
        for word, number in counts.items():
            stream.write_row((release.part, word, number))


def index_rows(connection: psycopg.Connection[Any], release: Release, count: int) -> None:
    """The indexes of a freshly filled table; the graph of vectors only where a scan is slow."""
    name = release.table
    statements = [
        "CREATE UNIQUE INDEX {row} ON {rows} (row)",
        "CREATE INDEX {document} ON {rows} (document)",
        "CREATE INDEX {words} ON {rows} USING gin (words)",
        "CREATE INDEX {counted} ON {counts} (word)",
    ]
    if count > EXACT_ROWS:
        statements.append(
            "CREATE INDEX {near} ON {rows} USING hnsw (embedding vector_ip_ops) "
            "WITH (m = 16, ef_construction = 128)"
        )
    for statement in statements:
        connection.execute(
            sql.SQL(statement).format(
                rows=release.rows,
                counts=release.counts,
                row=sql.Identifier(f"{name}_row"),
                document=sql.Identifier(f"{name}_document"),
                words=sql.Identifier(f"{name}_gin"),
                counted=sql.Identifier(f"{name}_counted"),
                near=sql.Identifier(f"{name}_near"),
            )
        )


def _tsvector(terms: Mapping[str, Counter[str]]) -> str:
    """Words with their fields as PostgreSQL reads them; places do not matter, only how often."""
    places: dict[str, list[str]] = {}
    at = 1
    for field, counted in terms.items():
        for word, count in counted.items():
            kept = places.setdefault(word, [])
            for _ in range(min(count, _POSITIONS_MAX - len(kept))):
                kept.append(f"{min(at, 16_383)}{LETTERS[field]}")
                at += 1
    return " ".join(f"{quoted(word)}:{','.join(marks)}" for word, marks in places.items() if marks)


def quoted(word: str) -> str:
    """A word as a lexeme of a tsvector or a tsquery."""
    escaped = word.replace("\\", "\\\\").replace("'", "''")
    return f"'{escaped}'"


def know_vectors(connection: psycopg.Connection[Any]) -> None:
    """Teach a connection the type of vectors, once."""
    if connection not in _TAUGHT:
        register_vector(connection)
        _TAUGHT.add(connection)


def stream(
    connection: psycopg.Connection[Any], query: sql.Composed, at_a_time: int = 10_000
) -> Iterator[tuple[Any, ...]]:
    """The rows of a long answer, some at a time, inside the caller's transaction."""
    with connection.cursor(name="footnote_rows") as cursor:
        cursor.itersize = at_a_time
        cursor.execute(query)
        yield from cursor


def as_vectors(found: Mapping[int, Any], rows: Iterable[int], dimension: int) -> Vectors:
    """Vectors by row number into an array, in the order of the rows."""
    kept = [found[row].to_numpy().astype(np.float32) for row in rows]
    return np.stack(kept) if kept else np.zeros((0, dimension), dtype=np.float32)
