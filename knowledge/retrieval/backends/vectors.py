"""The vectors of a build: written, mapped read-only and scanned exactly.

FAISS does the scan. Where it cannot be imported, NumPy reads the same file: slower, equal results.
"""

import importlib
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from knowledge.retrieval.types import IndexUnusable, Mask, Rows, Scored, Vector, Vectors

_FLAT_INNER_PRODUCT = b"IxFI"  # FAISS's mark of an IndexFlatIP; its vectors end the file
_HEADER_MAX = 4096


class VectorStore(Protocol):
    """Vectors by row number."""

    @property
    def size(self) -> int: ...
    @property
    def dimension(self) -> int: ...

    def search(self, vector: Vector, mask: Mask | None, limit: int) -> list[Scored]:
        """The nearest rows that the mask allows, by inner product, best first."""

    def read(self, rows: Sequence[int]) -> Vectors:
        """The vectors of these rows, shape (n, dimension)."""


@cache
def _faiss() -> Any:
    """FAISS, or None where it is not installed or not for this machine."""
    try:
        return importlib.import_module("faiss")
    except ImportError:
        return None


def write_vectors(path: Path, vectors: Vectors, dimension: int) -> None:
    """Write an exact index. A full disk shows only when it is read back: do so."""
    library = _faiss()
    if library is None:
        raise IndexUnusable("FAISS is not installed, so no index can be built.")
    index = library.IndexFlatIP(dimension)
    if len(vectors):
        index.add(np.ascontiguousarray(vectors, dtype=np.float32))
    library.write_index(index, str(path))


def open_vectors(path: Path) -> VectorStore:
    """Map the file; raises IndexUnusable."""
    library = _faiss()
    return NumpyVectors(path) if library is None else FaissVectors(library, path)


class FaissVectors:
    """IndexFlatIP, mapped so that processes share its pages (FAISS must never add to it)."""

    def __init__(self, library: Any, path: Path) -> None:
        self._library = library
        try:
            self._index = library.read_index(str(path), library.IO_FLAG_MMAP_IFC)
        except RuntimeError as error:  # FAISS's only exception
            raise IndexUnusable("The vectors of the index cannot be read.") from error
        self.size = int(self._index.ntotal)
        self.dimension = int(self._index.d)

    def search(self, vector: Vector, mask: Mask | None, limit: int) -> list[Scored]:
        """The nearest rows that the mask allows, by inner product, best first."""
        query = np.ascontiguousarray(vector, dtype=np.float32).reshape(1, -1)
        if mask is None:
            scores, rows = self._index.search(query, limit)
        else:
            # FAISS keeps bare pointers: both names must live until the search is over.
            bits = np.packbits(mask, bitorder="little")
            selector = self._library.IDSelectorBitmap(bits)
            parameters = self._library.SearchParameters(sel=selector)
            scores, rows = self._index.search(query, limit, params=parameters)
        # An empty place has row -1 and a score of -3.4e38.
        pairs = zip(rows[0].tolist(), scores[0].tolist(), strict=True)
        return [Scored(row, score) for row, score in pairs if row >= 0]

    def read(self, rows: Sequence[int]) -> Vectors:
        """The vectors of these rows, shape (n, dimension)."""
        if not rows:
            return np.zeros((0, self.dimension), dtype=np.float32)
        found: Vectors = self._index.reconstruct_batch(np.asarray(rows, dtype=np.int64))
        return found


class NumpyVectors:
    """The same file without FAISS."""

    def __init__(self, path: Path) -> None:
        try:
            size = path.stat().st_size
            with path.open("rb") as file:
                head = file.read(16)
        except OSError as error:
            raise IndexUnusable("The vectors of the index cannot be read.") from error
        self.dimension = int.from_bytes(head[4:8], "little")
        self.size = int.from_bytes(head[8:16], "little")
        length = self.size * self.dimension * 4
        if head[:4] != _FLAT_INNER_PRODUCT or not length <= size <= length + _HEADER_MAX:
            raise IndexUnusable("The vectors of the index cannot be read.")
        flat = np.memmap(path, mode="r", dtype=np.uint8)[size - length :] if length else b""
        values = np.frombuffer(flat, dtype="<f4")
        self._vectors = values.reshape(self.size, self.dimension)

    def search(self, vector: Vector, mask: Mask | None, limit: int) -> list[Scored]:
        """The nearest rows that the mask allows, by inner product, best first."""
        every: Rows = np.arange(self.size) if mask is None else np.flatnonzero(mask)
        scores = self._vectors[every] @ np.asarray(vector, dtype=np.float32)
        best = np.argsort(-scores, kind="stable")[:limit]
        return [Scored(int(every[at]), float(scores[at])) for at in best]

    def read(self, rows: Sequence[int]) -> Vectors:
        """The vectors of these rows, shape (n, dimension)."""
        found: Vectors = np.array(self._vectors[np.asarray(rows, dtype=np.int64)])
        return found
