"""A part of a release: the base, or the recent rows that extensions added to it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np

from knowledge.retrieval.backends.audience import Share
from knowledge.retrieval.backends.codes import Codes, open_codes
from knowledge.retrieval.backends.row_files import RowFiles
from knowledge.retrieval.backends.vectors import VectorFile, best
from knowledge.retrieval.types import IndexUnusable, Mask, Rows, Scored, Vector, Vectors

BASE, RECENT = "base", "recent"

# Candidates that the codes name before the exact vectors decide: for each wanted row, and at least
# so many and one for each thousand allowed rows. With them ``benchmarks/index_types.py`` finds a
# recall@10 above .99 at every size and share.
_CANDIDATES = 16
_FEWEST_CANDIDATES = 400
_ROWS_A_CANDIDATE = 1000
# Up to this share of a part its rows are multiplied one by one: 0.2 µs for a row picked out, and
# 2 to 3 µs for a thousand rows of codes behind a selector.
_FEW_OF_CODED = 1 / 100
_FEW_OF_EXACT = 1 / 5
_FEW = 1000
_NEARLY_ALL = 0.8


def vectors_path(folder: Path, part: str) -> Path:
    """Where a part's vectors lie."""
    return folder / f"{part}.f32"


def codes_path(folder: Path, part: str) -> Path:
    """Where a part's codes lie, if it has some."""
    return folder / f"{part}.codes"


def hidden_path(folder: Path, part: str) -> Path:
    """Where it says which of a part's entries are hidden, if any part of the release has some."""
    return folder / f"{part}.hidden.npy"


def read_hidden(folder: Path, part: str, entries: int) -> Mask:
    """Which entries of a part are hidden."""
    path = hidden_path(folder, part)
    if not path.exists():
        return np.zeros(entries, dtype=np.bool_)
    try:
        hidden = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise IndexUnusable("The row numbers of the index cannot be read.") from error
    if hidden.shape != (entries,) or hidden.dtype != np.bool_:
        raise IndexUnusable("The row numbers of the index do not belong together.")
    found: Mask = hidden
    return found


@dataclass(frozen=True)
class Opening:
    """What opening a part takes: numbers in a vector, and FAISS, or None for NumPy."""

    dimension: int
    library: Any


class Part:
    """Rows ``first`` and following of a release, read-only."""

    def __init__(self, folder: Path, name: str, first: int, opening: Opening) -> None:
        self.first = first
        self._rows = RowFiles(folder, name)
        self._vectors = VectorFile(vectors_path(folder, name), opening.dimension, opening.library)
        self.size = self._rows.size
        if self._vectors.size != self.size:
            raise IndexUnusable("The parts of the index do not belong together.")
        self._codes: Codes | None = open_codes(codes_path(folder, name), self.size, opening.library)
        self._shown: Mask = ~read_hidden(folder, name, len(self._rows.documents))
        self._all = self._share(self._shown)

    def shown(self, document_ids: Rows | None) -> Mask:
        """The entries of these documents, or all, without hidden ones."""
        if document_ids is None:
            return self._shown
        found: Mask = self._rows.of(document_ids) & self._shown
        return found

    def share(self, entries: Mask) -> Share:
        """The rows of these entries."""
        return self._all if entries is self._shown else self._share(entries)

    def _share(self, entries: Mask) -> Share:
        if entries.all():
            return Share(np.ones(self.size, dtype=np.bool_))
        return Share(entries[self._rows.places])

    def documents(self, entries: Mask) -> Rows:
        """The documents of these entries."""
        found: Rows = self._rows.documents[entries]
        return found

    def versions(self) -> Iterator[tuple[int, int]]:
        """Each document that is not hidden, with its version."""
        documents, versions = self._rows.documents, self._rows.versions
        shown = self._shown
        return zip(documents[shown].tolist(), versions[shown].tolist(), strict=True)

    def document(self, row: int) -> int:
        """The document of one of its rows."""
        return int(self._rows.documents[self._rows.places[row]])

    def chunk_id(self, row: int) -> UUID:
        """The chunk of one of its rows."""
        return self._rows.chunk_id(row)

    def every_chunk(self) -> Iterator[tuple[UUID, int, int]]:
        """Chunk, document and version of each row that is not hidden."""
        rows = self._rows
        for row in np.flatnonzero(self._all.mask).tolist():
            entry = rows.places[row]
            yield rows.chunk_id(row), int(rows.documents[entry]), int(rows.versions[entry])

    def read(self, rows: Sequence[int]) -> Vectors:
        """The vectors of these rows of its own."""
        return self._vectors.read(rows)

    def search(self, vector: Vector, share: Share, limit: int) -> list[Scored]:
        """The nearest allowed rows by their number in the release, best first."""
        if not share.count:
            return []
        limit = min(limit, share.count)
        rows = self._looked_at(vector, share, limit)
        if rows is None:
            found = self._vectors.nearest(vector, limit, share)
        else:
            found = best(rows, self._vectors.scores(vector, rows), limit)
        return [Scored(hit.row + self.first, hit.score) for hit in found] if self.first else found

    def _looked_at(self, vector: Vector, share: Share, limit: int) -> Rows | None:
        """Rows to multiply exactly, out of which the best are taken; None for the whole part."""
        wanted = max(_CANDIDATES * limit, _FEWEST_CANDIDATES + share.count // _ROWS_A_CANDIDATE)
        few = _FEW + int(self.size * (_FEW_OF_CODED if self._codes else _FEW_OF_EXACT))
        if share.count <= max(few, wanted):
            return None if share.is_all else share.rows
        if self._codes is None:
            return None
        if share.is_all:
            return self._codes.candidates(vector, wanted)
        # Where nearly all rows are allowed it is cheaper to look without a selector, which takes
        # half as long again, and to drop some; if too few are left, the allowed ones lie elsewhere.
        if share.count >= _NEARLY_ALL * self.size:
            near = self._codes.candidates(vector, wanted * self.size // share.count + wanted // 4)
            near = near[share.mask[near]]
            if len(near) >= wanted:
                return near
        return self._codes.candidates(vector, wanted, share)
