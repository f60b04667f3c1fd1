"""A release in a folder, opened: vectors, words, row numbers and a manifest."""

import itertools
import math
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np

from knowledge.retrieval.backends.audience import Allowed, Narrow
from knowledge.retrieval.backends.lexical import Words
from knowledge.retrieval.backends.manifest import WORDS, Description, read_description
from knowledge.retrieval.backends.native import faiss
from knowledge.retrieval.backends.parts import BASE, RECENT, Opening, Part
from knowledge.retrieval.backends.row_files import sorted_ids
from knowledge.retrieval.types import IndexUnusable, Manifest, Rows, Scored, Vector, Vectors
from knowledge.retrieval.words import Term

_SPARE = 1.5  # rows asked for above those that an even spread of the allowed ones would take
_DEEPER = 4


@dataclass(frozen=True)
class Options:
    """How releases are written and searched; tests make the large paths small.

    Attributes:
        exact_up_to: rows up to which every search multiplies all vectors, in about a millisecond.
            Above, a release gets compressed codes, which are scanned first.
        clause_cost: a lexical search within few documents names them in a clause; within many, it
            asks for more rows than wanted and drops those that the mask takes away. So many rows
            cost as much as one document in a clause (1.1 µs, and 2 to 4 µs, measured).
        with_faiss: False leaves the vectors to NumPy even where FAISS runs.
    """

    exact_up_to: int = 20_000
    clause_cost: float = 3.0
    with_faiss: bool = True

    @property
    def library(self) -> Any:
        """FAISS, or None."""
        return faiss() if self.with_faiss else None


DEFAULTS = Options()


class FileIndex:
    """A release on disk, read-only; any number of threads may search it.

    Raises nothing on a question of any kind, but ValueError for a vector of another length: a
    model was changed without a build.
    """

    def __init__(self, folder: Path, description: Description, options: Options) -> None:
        self.manifest: Manifest = description.manifest
        self._dimension = self.manifest.dimension
        self._clause_cost = options.clause_cost
        opening = Opening(self._dimension, options.library)
        self._parts = [Part(folder, BASE, 0, opening)]
        if description.has_recent:
            self._parts.append(Part(folder, RECENT, self._parts[0].size, opening))
        self._words = Words(folder / WORDS)
        self.size = sum(part.size for part in self._parts)
        shown = sum(part.share(part.shown(None)).count for part in self._parts)
        if not shown == self._words.size == self.manifest.rows:
            raise IndexUnusable("The parts of the index do not belong together.")

    @classmethod
    def open(
        cls,
        folder: Path,
        *,
        verify: bool = False,
        trusted: Collection[str] = (),
        options: Options = DEFAULTS,
    ) -> "FileIndex":
        """Map a release; sizes are always compared, checksums with ``verify``.

        Files named in ``trusted`` are not read for that. Raises IndexUnusable.
        """
        return cls(folder, read_description(folder, verify=verify, trusted=trusted), options)

    @cached_property
    def _everyone(self) -> Allowed:
        return self._allowed(None)

    def allow(self, document_ids: Collection[int] | None) -> Allowed:
        """The rows of these documents but for hidden ones; None means every document.

        An array of int64 is the quickest to take.
        """
        return self._everyone if document_ids is None else self._allowed(sorted_ids(document_ids))

    def _allowed(self, document_ids: Rows | None) -> Allowed:
        allowed, denied, shares = [], [], []
        for part in self._parts:
            every, entries = part.shown(None), part.shown(document_ids)
            if np.array_equal(every, entries):
                entries = every
            shares.append(part.share(entries))
            allowed.append(part.documents(entries))
            denied.append(part.documents(every & ~entries))
        narrow = Narrow.shorter(np.concatenate(allowed), np.concatenate(denied))
        return Allowed(tuple(shares), narrow, not any(map(len, denied)))

    def dense(self, vector: Vector, allowed: Allowed, limit: int) -> list[Scored]:
        """By inner product, best first; empty for a vector that is not finite."""
        if vector.shape != (self._dimension,):
            raise ValueError(f"A vector of {vector.shape} for an index of {self._dimension}.")
        wanted = min(limit, allowed.count)
        if wanted <= 0 or not np.isfinite(vector).all():
            return []
        found = [
            part.search(vector, share, wanted)
            for part, share in zip(self._parts, allowed.shares, strict=True)
        ]
        hits = found[0]
        if any(found[1:]):
            hits = sorted(itertools.chain(*found), key=lambda hit: -hit.score)[:wanted]
        return self._kept(hits, allowed)

    def lexical(self, query: str, allowed: Allowed, limit: int) -> list[Scored]:
        """By BM25, best first; empty where no term of the query is known."""
        wanted = min(limit, allowed.count)
        if wanted <= 0:
            return []
        if allowed.is_everything:
            return self._kept(self._words.search(query, None, wanted), allowed)
        clause = len(allowed.narrow.documents) * self._clause_cost
        depth = wanted + math.ceil(wanted * self._words.size / allowed.count * _SPARE)
        while depth < min(clause, self._words.size):
            found = self._words.search(query, None, depth)
            kept = self._kept(found, allowed)[:wanted]
            if len(kept) == wanted or len(found) < depth:
                return kept
            depth *= _DEEPER
        return self._kept(self._words.search(query, allowed.narrow, wanted), allowed)

    def documents(self, rows: Sequence[int]) -> list[int]:
        """The document of each of these rows."""
        return [part.document(row) for part, row in map(self._place, rows)]

    def chunk_ids(self, rows: Sequence[int]) -> list[UUID]:
        """The chunk of each of these rows."""
        return [part.chunk_id(row) for part, row in map(self._place, rows)]

    def versions(self) -> dict[int, int]:
        """The version of each document, of what is not hidden."""
        return dict(itertools.chain.from_iterable(part.versions() for part in self._parts))

    def every_chunk(self) -> Iterator[tuple[UUID, int, int]]:
        """Chunk, document and version of every row that is not hidden."""
        return itertools.chain.from_iterable(part.every_chunk() for part in self._parts)

    def vectors(self, rows: Sequence[int]) -> Vectors:
        """The stored vectors, in the order asked for, shape (n, dimension)."""
        places = [self._place(row) for row in rows]
        if all(part is self._parts[0] for part, _ in places):
            return self._parts[0].read([row for _, row in places])
        return np.concatenate([part.read([row]) for part, row in places])

    def lexical_weight(self, term: Term) -> float:
        """The inverse document frequency of a term; highest for an unknown one."""
        return self._words.weight(term)

    def matches(self, terms: Sequence[Term], rows: Sequence[int]) -> dict[int, frozenset[Term]]:
        """Which of these terms (the first 20) stand in each of these rows."""
        return self._words.matches(terms, rows)

    def has_words(self, row: int) -> bool:
        """Whether the lexical part knows the row."""
        return self._words.has_row(row)

    def _place(self, row: int) -> tuple[Part, int]:
        part = self._parts[-1] if row >= self._parts[-1].first else self._parts[0]
        return part, row - part.first

    def _kept(self, found: list[Scored], allowed: Allowed) -> list[Scored]:
        """Whatever an engine answers, a row that is not allowed goes no further."""
        return [hit for hit in found if allowed.mask[hit.row]]
