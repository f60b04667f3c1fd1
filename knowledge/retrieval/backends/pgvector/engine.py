"""Writing, opening and removing releases in PostgreSQL."""

import json
import threading
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg import sql
from psycopg_pool import ConnectionPool, PoolTimeout

from knowledge.retrieval.backends.manifest import parsed_manifest
from knowledge.retrieval.backends.pgvector import tables
from knowledge.retrieval.backends.pgvector.index import PgvectorIndex
from knowledge.retrieval.backends.pgvector.tables import BASE_PART, SCHEMA, Release
from knowledge.retrieval.types import BuildFailed, IndexRow, IndexUnusable, Manifest

FORMAT = 1
_TIMEOUT_SECONDS = 10.0


class PgvectorEngine:
    """Releases in one database, named by its address; any number of machines may share it.

    A release is written in one transaction: killed at any moment, it is there whole or not at all.
    """

    name = "pgvector"

    def __init__(self, address: str, connections: int = 4) -> None:
        self._address = address
        self._connections = connections
        self._lock = threading.Lock()
        self._pool: ConnectionPool[Any] | None = None

    def build(
        self, name: str, rows: Iterable[IndexRow], dimension: int, extra: dict[str, object]
    ) -> Manifest:
        """Write a full release; raises BuildFailed."""
        with self._writing(name) as connection:
            table = f"rows_{_next(connection)}"
            tables.create(connection, table, dimension)
            release = Release(name, table, BASE_PART, (), 0, "")
            count, documents, chunks = tables.fill(connection, release, rows, 0)
            if len(chunks) != count:
                raise BuildFailed("A chunk stands twice in what the index was given.")
            tables.index_rows(connection, release, count)
            connection.execute(sql.SQL("ANALYZE {rows}").format(rows=release.rows))
            sizes = {"rows": count, "documents": len(documents), "dimension": dimension}
            return _finish(connection, release, count, sizes, extra)

    def extend(
        self,
        name: str,
        base: str,
        rows: Iterable[IndexRow],
        replaced: Collection[int],
        extra: dict[str, object],
    ) -> Manifest:
        """Write the base without some documents and with these rows.

        Raises BuildFailed, and IndexUnusable where the base is not there.
        """
        with self._writing(name) as connection:
            old = tables.find(connection, base)
            if old is None:
                raise IndexUnusable("its base is missing")
            first = _size(connection, old)
            part = _next(connection)
            new = Release(name, old.table, part, old.replaced, first, "")
            inherited = _carry_over(connection, old, new, replaced)
            fresh, documents, _ = tables.fill(connection, new, rows, first + inherited)
            hidden = tuple(sorted({*old.replaced, *replaced, *documents}))
            new = Release(name, old.table, part, hidden, first + inherited + fresh, "")
            live = _counted(connection, new)
            dimension = int(json.loads(old.manifest)["dimension"])
            return _finish(connection, new, new.size, {**live, "dimension": dimension}, extra)

    def open(self, name: str, *, verify: bool = False) -> PgvectorIndex:
        """Open a release; raises IndexUnusable. PostgreSQL keeps checksums of its own."""
        try:
            with self._connection() as connection:
                release = tables.find(connection, name)
        except (psycopg.Error, PoolTimeout) as error:
            raise IndexUnusable("The database of the index cannot be reached.") from error
        if release is None:
            raise IndexUnusable("its rows are missing")
        return PgvectorIndex(self._connection, release, parsed_manifest(release.manifest))

    def remove(self, name: str) -> None:
        """Delete a release; the table goes with the last release that reads it."""
        with self._connection() as connection, connection.transaction():
            release = tables.find(connection, name)
            if release is None:
                return
            tables.set_up(connection)
            connection.execute(
                f"UPDATE {SCHEMA}.releases SET is_removed = true WHERE name = %s",  # noqa: S608
                (name,),
            )
            _clear(connection, release)

    def names(self) -> set[str]:
        """The complete releases of the database."""
        with self._connection() as connection:
            if not tables.is_set_up(connection):
                return set()
            found = connection.execute(
                f"SELECT name FROM {SCHEMA}.releases WHERE NOT is_removed"  # noqa: S608
            )
            return {row[0] for row in found}

    def close(self) -> None:
        """Give the connections back."""
        with self._lock:
            if self._pool is not None:
                self._pool.close()
                self._pool = None

    @contextmanager
    def _writing(self, name: str) -> Iterator[psycopg.Connection[Any]]:
        """One transaction for a whole release; a lost connection leaves nothing behind."""
        if not tables.is_name(name):
            raise BuildFailed("A release needs a name of letters, digits and dashes.")
        try:
            with self._connection() as connection, connection.transaction():
                tables.set_up(connection)
                tables.know_vectors(connection)
                left = tables.find(connection, name)  # of a database that was restored since
                if left is not None:
                    connection.execute(
                        f"DELETE FROM {SCHEMA}.releases WHERE name = %s",  # noqa: S608
                        (name,),
                    )
                    _clear(connection, left)
                yield connection
        except (psycopg.Error, PoolTimeout, ValueError) as error:
            raise BuildFailed(f"The index was not written: {type(error).__name__}.") from error

    @contextmanager
    def _connection(self) -> Iterator[psycopg.Connection[Any]]:
        with self._lock:
            if self._pool is None:
                self._pool = ConnectionPool(
                    self._address,
                    min_size=0,
                    max_size=self._connections,
                    timeout=_TIMEOUT_SECONDS,
                    open=True,
                    name="footnote-index",
                )
            pool = self._pool
        with pool.connection() as connection:
            yield connection


def _next(connection: psycopg.Connection[Any]) -> int:
    row = connection.execute(f"SELECT nextval('{SCHEMA}.numbers')").fetchone()
    return int(row[0]) if row else 0


def _size(connection: psycopg.Connection[Any], release: Release) -> int:
    """The first row number that no release of this table has."""
    row = connection.execute(
        sql.SQL("SELECT coalesce(max(row) + 1, 0) FROM {rows}").format(rows=release.rows)
    ).fetchone()
    return int(row[0]) if row else 0


def _carry_over(
    connection: psycopg.Connection[Any], old: Release, new: Release, replaced: Collection[int]
) -> int:
    """The rows that a base which is itself an extension added; returns how many."""
    if old.part == BASE_PART:
        return 0
    copied = connection.execute(
        sql.SQL(
            "INSERT INTO {rows} (row, part, chunk, document, version, words, embedding) "
            "SELECT {first} + row_number() OVER (ORDER BY row) - 1, {new}, chunk, document, "
            "version, words, embedding FROM {rows} WHERE part = {old} "
            "AND document <> ALL({replaced})"
        ).format(
            rows=new.rows,
            first=sql.Literal(new.size),
            new=sql.Literal(new.part),
            old=sql.Literal(old.part),
            replaced=sql.Literal(list(replaced)),
        )
    ).rowcount
    connection.execute(
        sql.SQL(
            "INSERT INTO {counts} (part, word, number) "
            "SELECT {new}, word, number FROM {counts} WHERE part = {old}"
        ).format(counts=new.counts, new=sql.Literal(new.part), old=sql.Literal(old.part))
    )
    return copied


def _counted(connection: psycopg.Connection[Any], release: Release) -> dict[str, int]:
    row = connection.execute(
        sql.SQL("SELECT count(*), count(DISTINCT document) FROM {rows} WHERE {visible}").format(
            rows=release.rows, visible=release.visible
        )
    ).fetchone()
    return {"rows": int(row[0]), "documents": int(row[1])} if row else {}


def _finish(
    connection: psycopg.Connection[Any],
    release: Release,
    size: int,
    sizes: dict[str, int],
    extra: dict[str, object],
) -> Manifest:
    row = connection.execute(
        "SELECT pg_total_relation_size(%s::regclass)", (f"{SCHEMA}.{release.table}",)
    ).fetchone()
    values = {"format": FORMAT, **sizes, "bytes": int(row[0]) if row else 0, "extra": extra}
    text = json.dumps(values, default=str)
    connection.execute(
        f"INSERT INTO {SCHEMA}.releases "  # noqa: S608
        "(name, rows_table, part, replaced, size, manifest) VALUES (%s, %s, %s, %s, %s, %s)",
        (release.name, release.table, release.part, list(release.replaced), size, text),
    )
    return parsed_manifest(text)


def _clear(connection: psycopg.Connection[Any], release: Release) -> None:
    """Delete what no release reads any more: an extension's rows, or the whole table."""
    connection.execute(
        f"DELETE FROM {SCHEMA}.releases r WHERE is_removed AND part <> 0"  # noqa: S608
    )
    others = connection.execute(
        f"SELECT count(*) FROM {SCHEMA}.releases WHERE rows_table = %s AND NOT is_removed",  # noqa: S608
        (release.table,),
    ).fetchone()
    if others is not None and others[0] == 0:
        connection.execute(
            sql.SQL("DROP TABLE IF EXISTS {rows}, {counts}").format(
                rows=release.rows, counts=release.counts
            )
        )
        connection.execute(
            f"DELETE FROM {SCHEMA}.releases WHERE rows_table = %s",  # noqa: S608
            (release.table,),
        )
    elif release.part != BASE_PART:
        for table in (release.rows, release.counts):
            connection.execute(
                sql.SQL("DELETE FROM {table} WHERE part = {part}").format(
                    table=table, part=sql.Literal(release.part)
                )
            )
