"""An index in a folder: exact vectors (FAISS), words (tantivy), row numbers and a manifest.

``build`` writes into a temporary folder, which the caller renames: a build is never changed once
it has its name, since truncating a mapped file kills every process that maps it.
"""

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from uuid import UUID

import numpy as np

from knowledge.retrieval.backends.lexical import Narrow, Words, write_words
from knowledge.retrieval.backends.manifest import ROWS, VECTORS, WORDS, read_manifest, seal
from knowledge.retrieval.backends.vectors import open_vectors, write_vectors
from knowledge.retrieval.types import (
    BuildFailed,
    IndexRow,
    IndexUnusable,
    Manifest,
    Mask,
    Rows,
    Scored,
    Vector,
    Vectors,
)
from knowledge.retrieval.words import Term

__all__ = ["Allowed", "BuildFailed", "FileIndex", "IndexRow", "IndexUnusable", "Manifest", "build"]

_NORM_TOLERANCE = 1e-3
_SCORE_TOLERANCE = 1e-4
# Documents in a tantivy clause: 1,000 cost 3 ms and 10,000 cost 39 ms. With more than this, rows
# are asked for without a clause and dropped by the mask.
_CLAUSE_MAX = 2000
_OVERSAMPLING = 4


@dataclass(frozen=True, eq=False)
class Allowed:
    """The rows of an index that a caller may see, made by ``FileIndex.allow``."""

    mask: Mask
    count: int
    narrow: Narrow
    is_everything: bool


def build(
    folder: Path, rows: Iterable[IndexRow], dimension: int, manifest: dict[str, object]
) -> Manifest:
    """Write an index into an empty temporary folder that the caller renames.

    Everything is flushed to disk, read back and asked for itself. ``manifest`` is kept as the
    caller's own part. Raises BuildFailed; the folder's content is then worthless.
    """
    kept = list(rows)
    try:
        vectors = _vectors(kept, dimension)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / WORDS).mkdir()
        write_vectors(folder / VECTORS, vectors, dimension)
        write_words(folder / WORDS, kept)
        _write_rows(folder / ROWS, kept)
        counts = {"rows": len(kept), "documents": len({row.document_id for row in kept})}
        made = seal(folder, {**counts, "dimension": dimension}, manifest)
        _prove(FileIndex.open(folder, verify=True), vectors)
    except (OSError, ValueError, RuntimeError, IndexUnusable) as error:
        raise BuildFailed(f"The index was not written: {error}") from error
    return made


def _vectors(rows: Sequence[IndexRow], dimension: int) -> Vectors:
    if len({row.chunk_id for row in rows}) != len(rows):
        raise BuildFailed("A chunk stands twice in what the index was given.")
    if any(row.vector.shape != (dimension,) for row in rows):
        raise BuildFailed(f"A vector does not have {dimension} dimensions.")
    if not rows:
        return np.zeros((0, dimension), dtype=np.float32)
    vectors = np.stack([row.vector for row in rows]).astype(np.float32)
    norms = np.linalg.norm(vectors, axis=1)
    if not np.all(np.abs(norms - 1) < _NORM_TOLERANCE):  # NaN fails too
        raise BuildFailed("A vector does not have unit length.")
    return vectors


def _write_rows(path: Path, rows: Sequence[IndexRow]) -> None:
    ids = b"".join(row.chunk_id.bytes for row in rows)
    np.savez(
        path,
        chunks=np.frombuffer(ids, dtype=np.uint8).reshape(len(rows), 16),
        documents=np.array([row.document_id for row in rows], dtype=np.int64),
    )


def _prove(index: "FileIndex", vectors: Vectors) -> None:
    """Ask the index for a few of its own rows, both ways."""
    everyone = index.allow(None)
    for row in sorted({0, index.size // 2, index.size - 1} if index.size else set()):
        best = index.dense(vectors[row], everyone, 1)
        if not best or abs(best[0].score - 1) > 2 * _NORM_TOLERANCE + _SCORE_TOLERANCE:
            raise BuildFailed("The index does not find its own vectors.")
        if not index.has_words(row):
            raise BuildFailed("The index does not find its own words.")


class FileIndex:
    """A build on disk, read-only; any number of threads may search it.

    ``document_ids`` holds each row's document. Raises nothing on a question of any kind, but
    ValueError for a vector of another length: a model was changed without a build.
    """

    def __init__(self, folder: Path, manifest: Manifest) -> None:
        self.manifest = manifest
        self._vectors = open_vectors(folder / VECTORS)
        self._words = Words(folder / WORDS)
        try:
            with np.load(folder / ROWS, allow_pickle=False) as arrays:
                self._chunks = arrays["chunks"]
                self.document_ids: Rows = arrays["documents"]
        except (OSError, ValueError, KeyError) as error:
            raise IndexUnusable("The row numbers of the index cannot be read.") from error
        self.size = len(self.document_ids)
        sizes = {self.size, len(self._chunks), self._vectors.size, self._words.size, manifest.rows}
        if len(sizes) != 1 or self._vectors.dimension != manifest.dimension:
            raise IndexUnusable("The parts of the index do not belong together.")

    @classmethod
    def open(cls, folder: Path, *, verify: bool = False) -> "FileIndex":
        """Map a build; sizes are always compared, checksums of every file with ``verify``.

        Raises IndexUnusable.
        """
        return cls(folder, read_manifest(folder, verify=verify))

    @property
    def dimension(self) -> int:
        return self.manifest.dimension

    @cached_property
    def _documents(self) -> frozenset[int]:
        return frozenset(np.unique(self.document_ids).tolist())

    def allow(self, document_ids: set[int] | None) -> Allowed:
        """The rows of these documents; None means every row."""
        if document_ids is None or self._documents <= document_ids:
            return Allowed(np.ones(self.size, dtype=np.bool_), self.size, Narrow(), True)
        allowed = self._documents & document_ids
        denied = self._documents - allowed
        mask: Mask = np.isin(self.document_ids, np.fromiter(allowed, np.int64, len(allowed)))
        few = denied if len(denied) < len(allowed) else allowed
        narrow = Narrow(few, leaves_out=few is denied) if len(few) <= _CLAUSE_MAX else Narrow()
        return Allowed(mask, int(mask.sum()), narrow, False)

    def dense(self, vector: Vector, allowed: Allowed, limit: int) -> list[Scored]:
        """By cosine, best first; empty for a vector that is not finite."""
        if vector.shape != (self.dimension,):
            raise ValueError(f"A vector of {vector.shape} for an index of {self.dimension}.")
        wanted = min(limit, allowed.count)
        if wanted <= 0 or not np.isfinite(vector).all():
            return []
        mask = None if allowed.is_everything else allowed.mask
        return self._kept(self._vectors.search(vector, mask, wanted), allowed)

    def lexical(self, query: str, allowed: Allowed, limit: int) -> list[Scored]:
        """By BM25, best first; empty where no term of the query is known."""
        wanted = min(limit, allowed.count)
        if wanted <= 0:
            return []
        if not (allowed.narrow.is_open and not allowed.is_everything):
            return self._kept(self._words.search(query, allowed.narrow, wanted), allowed)
        for power in itertools.count(1):
            depth = wanted * _OVERSAMPLING**power
            found = self._words.search(query, allowed.narrow, depth)
            kept = self._kept(found, allowed)[:wanted]
            if len(kept) == wanted or len(found) < min(depth, self.size) or depth >= self.size:
                break
        return kept

    def chunk_id(self, row: int) -> UUID:
        return UUID(bytes=self._chunks[row].tobytes())

    def vectors(self, rows: Sequence[int]) -> Vectors:
        """The stored vectors, in the order asked for, shape (n, dimension)."""
        return self._vectors.read(rows)

    def lexical_weight(self, term: Term) -> float:
        """The inverse document frequency of a term; highest for an unknown one."""
        return self._words.weight(term)

    def matches(self, terms: Sequence[Term], rows: Sequence[int]) -> dict[int, frozenset[Term]]:
        """Which of these terms (the first 20) stand in each of these rows."""
        return self._words.matches(terms, rows)

    def has_words(self, row: int) -> bool:
        """Whether the lexical part knows the row."""
        return self._words.has_row(row)

    def _kept(self, found: list[Scored], allowed: Allowed) -> list[Scored]:
        """Whatever an engine answers, a row that is not allowed goes no further."""
        return [hit for hit in found if allowed.mask[hit.row]]
