"""Compressed copies of many vectors, to be scanned whole for candidates.

Each quarter of four numbers becomes four bits (product quantisation, Jégou et al. 2011, in the
registers' layout of André et al. 2017). The scan looks at every row, as a graph or a partly
probed index loses most of what a reader of few documents may see. One list is enough for that;
it is an IVF index because only those take a selector of rows.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from knowledge.retrieval.backends.audience import Share
from knowledge.retrieval.backends.batches import Batches
from knowledge.retrieval.types import IndexUnusable, Rows, Vector, Vectors

_GROUP = 4  # numbers in a code
# Points for training: 16 centres in four dimensions are settled with these (more change nothing).
_TRAINED_ON = 10_000
_ROUNDS = 25
_BATCH = 65_536
_THREADS = 2


class Codes:
    """A file of codes, mapped."""

    def __init__(self, library: Any, path: Path, size: int) -> None:
        self._library = library
        try:
            self._index = library.read_index(str(path), library.IO_FLAG_MMAP_IFC)
        except RuntimeError as error:  # FAISS's only exception
            raise IndexUnusable("The codes of the index cannot be read.") from error
        self._size = size
        self._batches: Batches[Rows] = Batches()
        if int(self._index.ntotal) != size:
            raise IndexUnusable("The codes of the index are not those of its vectors.")

    def candidates(self, vector: Vector, limit: int, share: Share | None = None) -> Rows:
        """The rows that seem nearest, in no order: as many as asked for, or all that may be.

        Searches of several threads within the same share, or within none, are done together.
        """

        def scan(vectors: list[Vector]) -> Sequence[Rows]:
            return self._scan(_padded(np.stack(vectors)), limit, share)

        rows = self._batches.search(vector, (share, limit), scan)
        return rows[(rows >= 0) & (rows < self._size)]  # an empty place has -1

    def _scan(self, queries: Vectors, limit: int, share: Share | None) -> Sequence[Rows]:
        parameters = None
        if share is not None:
            # FAISS keeps bare pointers: this name, and the share, live until the search is over.
            selector = self._library.IDSelectorBitmap(share.bits)
            parameters = self._library.SearchParametersIVF(nprobe=1, sel=selector)
        _, found = self._index.search(queries, limit, params=parameters)
        rows: Sequence[Rows] = found
        return rows


def open_codes(path: Path, size: int, library: Any) -> Codes | None:
    """The codes where there are some and FAISS is there to scan them; raises IndexUnusable."""
    return Codes(library, path, size) if library is not None and path.exists() else None


def write_codes(path: Path, vectors: Vectors, library: Any) -> None:
    """Learn the codes of these vectors and write them. A full disk shows when they are read."""
    dimension = _padded(vectors[:1]).shape[1]
    kind = f"IVF1,PQ{dimension // _GROUP}x4fs"
    index = library.index_factory(dimension, kind, library.METRIC_INNER_PRODUCT)
    index.pq.cp.niter = _ROUNDS
    threads = library.omp_get_max_threads()
    try:
        library.omp_set_num_threads(1)  # so small a training is ten times slower on two
        index.train(_padded(vectors[_sample(len(vectors))]))
        library.omp_set_num_threads(_THREADS)
        for start in range(0, len(vectors), _BATCH):
            index.add(_padded(vectors[start : start + _BATCH]))
    finally:
        library.omp_set_num_threads(threads)
    library.write_index(index, str(path))


def _sample(size: int) -> Rows:
    """Rows to learn from: the same ones whenever an index of this size is built."""
    if size <= _TRAINED_ON:
        return np.arange(size)
    chosen: Rows = np.random.default_rng(size).choice(size, _TRAINED_ON, replace=False)
    return np.sort(chosen)


def _padded(vectors: Vectors) -> Vectors:
    """With zeros at the end, which change no inner product, so that the groups come out even."""
    missing = -vectors.shape[1] % _GROUP
    padded = np.pad(vectors, ((0, 0), (0, missing))) if missing else vectors
    return np.ascontiguousarray(padded, dtype=np.float32)
