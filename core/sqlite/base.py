"""Django's SQLite backend whose connections are used again by whatever thread comes next.

A request has a thread of its own under ASGI, and a connection of its own with it: opening one,
teaching it Django's functions and setting its PRAGMAs takes a millisecond, and closing the last one
of a file empties its write-ahead log into it, which takes several. An answer opens about ten. So a
few are kept open when they are given back, as Django's ``pool`` does it on PostgreSQL.
"""

import atexit
import os
import sqlite3
import threading
from pathlib import Path
from typing import Any

from django.db.backends.sqlite3 import base

MOST_IDLE = 4  # a process; each may hold as many pages in memory as PRAGMA cache_size says


class Idle:
    """Open connections that nobody uses, the one that was used last first. Threads may share it."""

    def __init__(self, most: int = MOST_IDLE) -> None:
        self._most = most
        self._kept: list[tuple[str, tuple[int, int], sqlite3.Connection]] = []
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._kept)

    def take(self, name: str) -> sqlite3.Connection | None:
        """One of this file, unless another file lies at its path by now."""
        file = _file(name)
        with self._lock:
            for at in reversed(range(len(self._kept))):
                if self._kept[at][0] == name:
                    _, opened, connection = self._kept.pop(at)
                    if opened == file:
                        return connection
                    connection.close()
        return None

    def give(self, name: str, connection: sqlite3.Connection) -> bool:
        """Keep it; False where it has to be closed."""
        file = _file(name)
        if file is None or connection.in_transaction:
            return False
        with self._lock:
            if len(self._kept) >= self._most:
                return False
            self._kept.append((name, file, connection))
        return True

    def close(self) -> None:
        with self._lock:
            kept, self._kept = self._kept, []
        for _, _, connection in kept:
            connection.close()

    def forget(self) -> None:
        """In a forked child: what its parent opened is neither used nor closed here."""
        _parents.extend(self._kept)
        self._kept, self._lock = [], threading.Lock()


def _file(name: str) -> tuple[int, int] | None:
    """Which file lies at a path, whatever its name."""
    try:
        found = Path(name).stat()
    except (OSError, ValueError):
        return None
    return found.st_dev, found.st_ino


idle = Idle()
_parents: list[Any] = []
os.register_at_fork(after_in_child=idle.forget)
atexit.register(idle.close)  # the last one to close writes the log into the file


class DatabaseWrapper(base.DatabaseWrapper):
    """As Django's own. Connections with an error behind them are not used again."""

    _is_plain = True  # no constraint checks are switched off

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        self._is_plain = True
        found = None if self.is_in_memory_db() else idle.take(str(conn_params["database"]))
        return found or super().get_new_connection(conn_params)

    def disable_constraint_checking(self) -> bool:
        self._is_plain = False
        return super().disable_constraint_checking()

    def _close(self) -> None:
        connection, name = self.connection, str(self.settings_dict["NAME"])
        is_good = self._is_plain and not self.errors_occurred and not self.is_in_memory_db()
        if connection is None or not (is_good and idle.give(name, connection)):
            super()._close()  # type: ignore[misc]  # the stubs leave it out
