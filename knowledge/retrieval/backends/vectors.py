"""The vectors of one part of a release: a file of float32 numbers, mapped and multiplied exactly.

The file has no header and is read by FAISS's kernels and by NumPy alike, so that an index written
with FAISS serves without it.
"""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self

import numpy as np
from numpy.typing import NDArray

from knowledge.retrieval.backends.audience import Share
from knowledge.retrieval.backends.batches import Batches
from knowledge.retrieval.backends.native import engine_name
from knowledge.retrieval.types import (
    BuildFailed,
    IndexUnusable,
    Rows,
    Scored,
    Scores,
    Vector,
    Vectors,
)

__all__ = ["VectorFile", "VectorWriter", "best", "engine_name"]

_NORM_TOLERANCE = 1e-3
_BATCH = 1024  # vectors checked and written at a time: 1.5 MB of 384 numbers each
_COPIED = 1024 * 1024
_FLOATS = np.dtype("<f4")


class VectorFile:
    """Vectors by row number, mapped: all processes of a machine share the pages."""

    def __init__(self, path: Path, dimension: int, library: Any) -> None:
        """``library`` is FAISS, or None where NumPy is to multiply."""
        self._library = library
        try:
            length = path.stat().st_size
            mapped = np.memmap(path, mode="r", dtype=_FLOATS) if length else np.zeros(0, _FLOATS)
        except (OSError, ValueError) as error:
            raise IndexUnusable("The vectors of the index cannot be read.") from error
        if dimension <= 0 or length % (dimension * _FLOATS.itemsize):
            raise IndexUnusable("The vectors of the index do not have its dimension.")
        self.dimension = dimension
        self.size = length // (dimension * _FLOATS.itemsize)
        self.values: Vectors = np.asarray(mapped).reshape(self.size, dimension)
        self._batches: Batches[tuple[Rows, Scores]] = Batches()

    def scores(self, vector: Vector, rows: Rows) -> Scores:
        """The inner products with these rows, each below ``size``."""
        query = np.ascontiguousarray(vector, dtype=np.float32)
        if self._library is None:
            return self.values[rows] @ query
        # The kernel trusts the numbers and takes them as int64.
        numbers = np.ascontiguousarray(rows, dtype=np.int64)
        found = np.empty(len(numbers), dtype=np.float32)
        pointer = self._library.swig_ptr
        if len(numbers):
            self._library.fvec_inner_products_by_idx(
                *(pointer(values) for values in (found, query, self.values, numbers)),
                self.dimension,
                1,
                len(numbers),
            )
        return found

    def nearest(self, vector: Vector, limit: int, share: Share) -> list[Scored]:
        """The ``limit`` best of the allowed rows, out of a multiplication with all.

        Searches of several threads within the same share are done together.
        """

        def scan(vectors: list[Vector]) -> list[tuple[Rows, Scores]]:
            return self._scan(np.stack(vectors).astype(np.float32, copy=False), limit, share)

        return best(*self._batches.search(vector, (share, limit), scan), limit)

    def _scan(self, queries: Vectors, limit: int, share: Share) -> list[tuple[Rows, Scores]]:
        if self._library is None:
            products = queries @ self.values.T
            return [(share.rows, scores[share.rows]) for scores in products]
        scores = np.empty((len(queries), limit), dtype=np.float32)
        rows = np.empty((len(queries), limit), dtype=np.int64)
        pointer = self._library.swig_ptr
        # FAISS keeps a bare pointer to the bits, which the share holds.
        selector = None if share.is_all else self._library.IDSelectorBitmap(share.bits)
        self._library.knn_inner_product(
            *(pointer(values) for values in (queries, self.values)),
            self.dimension,
            len(queries),
            self.size,
            limit,
            *(pointer(values) for values in (scores, rows)),
            selector,
        )
        # An empty place has -1.
        return [(r[r >= 0], s[r >= 0]) for r, s in zip(rows, scores, strict=True)]

    def read(self, rows: Sequence[int]) -> Vectors:
        """The vectors of these rows, shape (n, dimension)."""
        found: Vectors = np.array(self.values[np.asarray(rows, dtype=np.int64)])
        return found


def best(rows: Rows, scores: Scores, limit: int) -> list[Scored]:
    """The highest scores with their rows, best first, the lower row first where they are equal."""
    if len(rows) > limit:
        chosen = np.argpartition(scores, len(scores) - limit)[len(scores) - limit :]
        rows, scores = rows[chosen], scores[chosen]
    order = np.lexsort((rows, -scores))
    pairs = zip(rows[order].tolist(), scores[order].tolist(), strict=True)
    return [Scored(row, score) for row, score in pairs]


class VectorWriter:
    """Vectors onto the disk as they come, checked, with the checksum of what was written."""

    def __init__(
        self, path: Path, dimension: int, *, after: Path | None = None, is_unit: bool = True
    ) -> None:
        """Begin a file, with the whole of another one where there is one to go on from.

        ``is_unit`` is false for models whose vectors' lengths say something (metric ``dot``).
        """
        self.name = path.name
        self._dimension = dimension
        self._waiting: list[Vector] = []
        self._sum: Any = hashlib.sha256()
        self._file: BinaryIO = path.open("xb")
        self._after = after
        self._is_unit = is_unit

    def __enter__(self) -> Self:
        if self._after is not None:
            with self._after.open("rb") as before:
                while data := before.read(_COPIED):
                    self._write(data)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if kind is None:
                self._flush()
        finally:
            self._file.close()

    def add(self, vector: Vector) -> None:
        """One more; raises BuildFailed, at the latest at the end, for one that is not sound."""
        if vector.shape != (self._dimension,):
            raise BuildFailed(f"A vector does not have {self._dimension} dimensions.")
        self._waiting.append(vector)
        if len(self._waiting) == _BATCH:
            self._flush()

    @property
    def sha256(self) -> str:
        """Of the whole file, once it is closed."""
        digest: str = self._sum.hexdigest()
        return digest

    def _flush(self) -> None:
        if not self._waiting:
            return
        vectors: NDArray[np.float32] = np.stack(self._waiting).astype(_FLOATS)
        self._waiting.clear()
        norms = np.linalg.norm(vectors, axis=1)
        if self._is_unit and not np.all(np.abs(norms - 1) < _NORM_TOLERANCE):  # NaN fails too
            raise BuildFailed("A vector does not have unit length.")
        if not np.isfinite(norms).all():
            raise BuildFailed("A vector holds values that are no numbers.")
        self._write(vectors.tobytes())

    def _write(self, data: bytes) -> None:
        self._file.write(data)
        self._sum.update(data)
