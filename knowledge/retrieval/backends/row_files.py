"""What the rows of one part of a release are: chunks, documents, versions.

An entry is a version of a document as this part holds it. Entries are hidden, not rows: what is
replaced is a document as a whole.
"""

from collections.abc import Collection
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from knowledge.retrieval.types import BuildFailed, IndexRow, IndexUnusable, Mask, Rows

Identifiers = NDArray[np.uint8]  # (n, 16): UUIDs


def row_paths(folder: Path, part: str) -> tuple[Path, Path, Path]:
    """The files of a part: chunks by row, entries, and the entry of each row."""
    names = ("chunks", "entries", "places")
    chunks, entries, places = (folder / f"{part}.{name}.npy" for name in names)
    return chunks, entries, places


class RowFiles:
    """One part's rows, mapped."""

    def __init__(self, folder: Path, part: str) -> None:
        chunks, entries, places = row_paths(folder, part)
        try:
            self.chunks: Identifiers = np.asarray(_mapped(chunks))
            self.places: Rows = np.asarray(_mapped(places))
            pairs = np.load(entries, allow_pickle=False)
            self.documents: Rows = np.ascontiguousarray(pairs[:, 0])
            self.versions: Rows = np.ascontiguousarray(pairs[:, 1])
        except (OSError, ValueError, IndexError, EOFError) as error:
            raise IndexUnusable("The row numbers of the index cannot be read.") from error
        self.size = len(self.places)
        is_sound = self.chunks.shape == (self.size, 16) and (
            not self.size or 0 <= self.places.min() <= self.places.max() < len(self.documents)
        )
        if not is_sound:
            raise IndexUnusable("The row numbers of the index do not belong together.")

    def chunk_id(self, row: int) -> UUID:
        """The chunk of a row."""
        return UUID(bytes=self.chunks[row].tobytes())

    def of(self, document_ids: Rows) -> Mask:
        """Which entries are of these documents."""
        return np.isin(self.documents, document_ids)


def _mapped(path: Path) -> NDArray[np.generic]:
    values = np.load(path, mmap_mode="r", allow_pickle=False)
    found: NDArray[np.generic] = values
    return found


class RowWriter:
    """The rows of a part as they come; three numbers and a name of each stay in memory."""

    def __init__(self, before: RowFiles | None = None) -> None:
        """Begin with nothing, or with what a part holds that is to be gone on from."""
        self.entries: dict[tuple[int, int], int] = {}
        self._chunks = bytearray()
        self._places: list[NDArray[np.int64]] = []
        self._waiting: list[int] = []
        self._first = 0  # new entries begin here
        self._before = before
        if before is not None:
            self._first = len(before.documents)
            self._chunks += before.chunks.tobytes()
            self._places.append(np.array(before.places))

    def add(self, row: IndexRow) -> bool:
        """One more row; whether it is the first of its document."""
        key = (row.document_id, row.version_id)
        place = self.entries.get(key)
        is_first = place is None
        if place is None:
            place = self.entries[key] = self._first + len(self.entries)
        self._chunks += row.chunk_id.bytes
        self._waiting.append(place)
        if len(self._waiting) == 65_536:  # an array has a quarter of a list's bytes
            self._settle()
        return is_first

    def documents(self) -> list[int]:
        """The documents of the rows that were added."""
        return [document for document, _ in self.entries]

    def write(self, folder: Path, part: str) -> None:
        """Raises BuildFailed where a chunk or a document stands in it twice."""
        self._settle()
        if len({document for document, _ in self.entries}) != len(self.entries):
            raise BuildFailed("A document stands in two versions in what the index was given.")
        chunks = np.frombuffer(bytes(self._chunks), dtype=np.uint8).reshape(-1, 16)
        places = np.concatenate([*self._places, np.zeros(0, np.int64)])
        added = chunks[len(chunks) - self._count() :]
        if _has_twins(added):
            raise BuildFailed("A chunk stands twice in what the index was given.")
        pairs = np.array(list(self.entries), dtype=np.int64).reshape(-1, 2)
        if self._before is not None:
            earlier = np.column_stack([self._before.documents, self._before.versions])
            pairs = np.concatenate([earlier, pairs])
        paths = row_paths(folder, part)
        arrays: tuple[NDArray[Any], ...] = (chunks, pairs, places)
        for path, values in zip(paths, arrays, strict=True):
            np.save(path, values, allow_pickle=False)

    def _count(self) -> int:
        before = 0 if self._before is None else self._before.size
        return len(self._chunks) // 16 - before

    def _settle(self) -> None:
        self._places.append(np.array(self._waiting, dtype=np.int64))
        self._waiting.clear()


def _has_twins(chunks: Identifiers) -> bool:
    halves = np.ascontiguousarray(chunks).view(">u8").reshape(-1, 2)
    ordered = halves[np.lexsort((halves[:, 1], halves[:, 0]))]
    return bool((ordered[1:] == ordered[:-1]).all(axis=1).any())


def sorted_ids(document_ids: Collection[int]) -> Rows:
    """Document numbers as an array, whatever they come in; those no row can have are left out."""
    if isinstance(document_ids, np.ndarray):
        return document_ids.astype(np.int64, copy=False)
    try:
        return np.fromiter(document_ids, dtype=np.int64, count=len(document_ids))
    except OverflowError:
        possible = [number for number in document_ids if -(2**63) <= number < 2**63]
        return np.array(possible, dtype=np.int64)
