"""The embedded broker: kombu's file transport, made safe to write, to read and to kill.

kombu's own creates a file, then locks it, then writes it, while its readers ignore the lock: an
empty file was read as a message, lost it, and ended the worker. Here a message is a whole file or
none, and a file that is no message is put aside.
"""

import fcntl
import logging
import os
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cached_property
from pathlib import Path
from queue import Empty
from typing import IO, Any

from kombu.exceptions import ChannelError
from kombu.transport import filesystem, virtual
from kombu.utils.json import dumps, loads

logger = logging.getLogger(__name__)

Binding = tuple[str, str, str]  # routing key, pattern, queue

KEEP_READ_SECONDS = 3600  # a read message is of no use; an hour helps whoever looks for a fault
KEEP_ODD_SECONDS = 30 * 86400


def private_folder(path: Path) -> Path:
    """The folder, made if it is absent, open to its owner alone."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.chmod(0o700)
    return path


def write_whole(folder: Path, name: str, content: str) -> None:
    """Write a file that no reader ever sees in part: beside it, to the disk, then renamed."""
    temporary = folder / f".{name}.{uuid.uuid4().hex}.tmp"
    try:
        with _open_private(temporary) as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.rename(folder / name)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise


def _open_private(path: Path) -> IO[str]:
    return os.fdopen(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600), "w", encoding="utf-8")


def _entries(table: Any) -> list[Binding]:
    """The bindings in a table that was read; a damaged table is an empty one, bound anew."""
    if not isinstance(table, list):
        return []
    rows = [row for row in table if isinstance(row, list) and len(row) == 3]  # kombu's triple
    return [filesystem.exchange_queue_t(*row) for row in rows]


class Channel(filesystem.Channel):
    """A channel whose messages are files named ``<nanoseconds>_<id>.<queue>.msg``."""

    def __init__(self, connection: Any, **options: Any) -> None:
        super().__init__(connection, **options)
        for folder in (self._incoming, self._outgoing, self._read, self._odd, self.control_folder):
            private_folder(folder)

    @cached_property
    def _incoming(self) -> Path:
        return Path(self.data_folder_in)

    @cached_property
    def _outgoing(self) -> Path:
        return Path(self.data_folder_out)

    @cached_property
    def _read(self) -> Path:
        return Path(self.processed_folder)

    @cached_property
    def _odd(self) -> Path:
        return self._read.parent / "quarantine"

    # kombu's stubs disagree among themselves about the next one and about get_table.
    def _put(self, queue: str, message: Any, **options: Any) -> None:  # type: ignore[override]
        name = f"{time.time_ns():020d}_{uuid.uuid4().hex}.{queue}.msg"
        try:
            write_whole(self._outgoing, name, dumps(message))
        except OSError as error:
            raise ChannelError(f"cannot write to {self._outgoing}") from error

    def _get(self, queue: str, timeout: float | None = None) -> dict[str, Any]:
        for name in sorted(os.listdir(self._incoming)):  # noqa: PTH208  (names are what is sorted)
            if name.partition(".")[2] != f"{queue}.msg":
                continue
            taken = self._read / name
            try:
                (self._incoming / name).rename(taken)
            except FileNotFoundError:
                continue  # another consumer was quicker
            payload = self._decoded(taken)
            if payload is not None:
                return payload
            logger.warning("put aside %s, which is not a message", name)
            taken.rename(self._odd / name)
        raise Empty

    def _decoded(self, path: Path) -> dict[str, Any] | None:
        """The message in a file, or None where kombu would fall over it."""
        try:
            payload = loads(path.read_bytes().decode())
            properties = payload["properties"]
            self.decode_body(payload["body"], properties.get("body_encoding"))
            complete = {"delivery_tag", "delivery_info"} <= properties.keys()
            sound = complete and isinstance(payload["headers"], dict)
        except (ValueError, LookupError, TypeError, AttributeError):
            return None
        return payload if sound else None

    @contextmanager
    def _alone(self) -> Iterator[None]:
        with _open_private(self.control_folder / ".lock") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _table_file(self, exchange: str) -> Path:
        """kombu's own, which refuses names that lead elsewhere."""
        return Path(self._exchange_file(exchange))  # type: ignore[attr-defined]  # not in the stubs

    def get_table(self, exchange: str) -> list[Binding]:  # type: ignore[override]
        try:
            return _entries(loads(self._table_file(exchange).read_text(encoding="utf-8")))
        except (FileNotFoundError, ValueError):
            return []

    def _queue_bind(self, exchange: str, routing_key: str, pattern: str | None, queue: str) -> None:
        file = self._table_file(exchange)
        entry = filesystem.exchange_queue_t(routing_key or "", pattern or "", queue or "")
        with self._alone():
            table = self.get_table(exchange)
            if entry not in table:
                write_whole(file.parent, file.name, dumps([entry, *table]))


class Transport(filesystem.Transport):
    """Registered as ``filesystem`` in ``core.celery``."""

    Channel = Channel

    def __init__(self, client: Any, **options: Any) -> None:
        super().__init__(client, **options)
        self.state = virtual.BrokerState()  # kombu shares one, and so binds in one folder only


def forget_bindings(root: Path) -> None:
    """Drop the bindings of earlier workers; each worker writes its own again when it starts."""
    for file in (root / "control").glob("*.exchange"):
        file.unlink(missing_ok=True)


def clean(root: Path, now: float | None = None) -> int:
    """Delete messages long read, halves that a kill left, and odd files after a month.

    Args:
        root: the broker's folder.
        now: seconds since the epoch, for tests.

    Returns:
        How many files went.
    """
    now = time.time() if now is None else now
    rules = (
        ("processed", "*.msg", KEEP_READ_SECONDS),
        ("queue", ".*.tmp", KEEP_READ_SECONDS),
        ("quarantine", "*", KEEP_ODD_SECONDS),
    )
    return sum(_delete_older(root / folder, pattern, now - keep) for folder, pattern, keep in rules)


def _delete_older(folder: Path, pattern: str, before: float) -> int:
    gone = 0
    for path in folder.glob(pattern):
        with suppress(FileNotFoundError):  # another worker's sweep
            if path.stat().st_mtime < before:
                path.unlink()
                gone += 1
    return gone
