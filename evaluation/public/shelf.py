"""Vectors that outlive the installations they were made in, by content and model."""

import hashlib
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path

_IN_ONE = 500  # hashes in one statement


class VectorShelf:
    """A file of vectors of one model; safe for several processes, and killed at any moment."""

    def __init__(self, folder: Path, model: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        name = hashlib.sha256(model.encode()).hexdigest()[:16]
        self._path = folder / f"{name}.sqlite3"
        with self._open() as database:
            database.execute(
                "CREATE TABLE IF NOT EXISTS vectors (hash TEXT PRIMARY KEY, vector BLOB NOT NULL)"
            )

    def get(self, hashes: Iterable[str]) -> dict[str, bytes]:
        """The vectors that are there, as the rows of the database hold them."""
        wanted = list(hashes)
        found: dict[str, bytes] = {}
        with self._open() as database:
            for start in range(0, len(wanted), _IN_ONE):
                part = wanted[start : start + _IN_ONE]
                marks = ",".join("?" * len(part))
                # Nothing but question marks is put into the statement.
                rows = database.execute(
                    f"SELECT hash, vector FROM vectors WHERE hash IN ({marks})",  # noqa: S608
                    part,
                )
                found.update(rows.fetchall())
        return found

    def put(self, vectors: Mapping[str, bytes]) -> None:
        """Keep these; those that are there stay as they are."""
        with self._open() as database:
            database.executemany(
                "INSERT OR IGNORE INTO vectors VALUES (?, ?)", list(vectors.items())
            )

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        with closing(sqlite3.connect(self._path, timeout=60)) as database, database:
            yield database
