"""Searching a release in Milvus."""

import math
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from uuid import UUID

import numpy as np
from pymilvus import MilvusClient

from knowledge.retrieval.backends.milvus.collections import Release, entities, term_number
from knowledge.retrieval.backends.terms import boost_of, key_of
from knowledge.retrieval.types import Manifest, Scored, Vector, Vectors
from knowledge.retrieval.words import MAX_TERMS, Term, search_terms

_LIMIT_MAX = 16_384  # of one search, a limit of Milvus's


@dataclass(frozen=True)
class Allowed:
    """The documents that a caller may see, as a filter."""

    count: int  # of rows
    condition: str = ""


class MilvusIndex:
    """A release in Milvus; any number of threads may search it.

    Where Milvus fails, its errors (``MilvusException``) go through to the caller.
    """

    def __init__(self, client: MilvusClient, release: Release, manifest: Manifest) -> None:
        self._client = client
        self._release = release
        self.manifest = manifest
        self.size = release.size
        self._frequencies: dict[int, int] = {}

    @property
    def dimension(self) -> int:
        return self.manifest.dimension

    @cached_property
    def _shelf(self) -> dict[int, tuple[int, int]]:
        """Of each document its version and its number of rows."""
        found = entities(
            self._client,
            self._release.documents,
            self._release.visible,
            ["document", "version", "count"],
        )
        return {one["document"]: (one["version"], one["count"]) for one in found}

    def allow(self, document_ids: Collection[int] | None) -> Allowed:
        """The rows of these documents but for hidden ones; None means every document."""
        known = set(self._shelf)
        wanted = known if document_ids is None else known & {int(one) for one in document_ids}
        if len(wanted) == len(known):
            return Allowed(self.manifest.rows)
        count = sum(self._shelf[document][1] for document in wanted)
        denied = known - wanted
        if len(denied) < len(wanted):
            return Allowed(count, f"document not in {sorted(denied)}")
        return Allowed(count, f"document in {sorted(wanted)}")

    def dense(self, vector: Vector, allowed: Allowed, limit: int) -> list[Scored]:
        """By inner product, best first; empty for a vector that is not finite."""
        if vector.shape != (self.dimension,):
            raise ValueError(f"A vector of {vector.shape} for an index of {self.dimension}.")
        if not np.isfinite(vector).all():
            return []
        return self._search("embedding", np.asarray(vector, np.float32).tolist(), allowed, limit)

    def lexical(self, query: str, allowed: Allowed, limit: int) -> list[Scored]:
        """By BM25, best first; empty where no term of the query is known."""
        weights = {
            term_number(key_of(term)): self.lexical_weight(term) * boost_of(term)
            for term in search_terms(query)
            if self._frequency(term)
        }
        if not weights:
            return []
        return [hit for hit in self._search("words", weights, allowed, limit) if hit.score > 0]

    def vectors(self, rows: Sequence[int]) -> Vectors:
        """The stored vectors, in the order asked for, shape (n, dimension)."""
        found = self._of_rows("embedding", rows)
        if not rows:
            return np.zeros((0, self.dimension), dtype=np.float32)
        return np.array([found[row] for row in rows], dtype=np.float32)

    def lexical_weight(self, term: Term) -> float:
        """The inverse document frequency of a term; highest for an unknown one."""
        size = self.manifest.rows
        frequency = min(self._frequency(term), size)
        return math.log(1 + (size - frequency + 0.5) / (frequency + 0.5))

    def matches(self, terms: Sequence[Term], rows: Sequence[int]) -> dict[int, frozenset[Term]]:
        """Which of these terms (the first 20) stand in each of these rows."""
        asked = {term_number(key_of(term)): term for term in list(terms)[:MAX_TERMS]}
        found = self._of_rows("words", rows)
        return {
            row: frozenset(asked[number] for number in found.get(row, {}) if number in asked)
            for row in rows
        }

    def documents(self, rows: Sequence[int]) -> list[int]:
        """The document of each of these rows."""
        found = self._of_rows("document", rows)
        return [int(found[row]) for row in rows]

    def chunk_ids(self, rows: Sequence[int]) -> list[UUID]:
        """The chunk of each of these rows."""
        found = self._of_rows("chunk", rows)
        return [UUID(found[row]) for row in rows]

    def versions(self) -> dict[int, int]:
        """The version of each document, of what is not hidden."""
        return {document: version for document, (version, _) in self._shelf.items()}

    def every_chunk(self) -> Iterator[tuple[UUID, int, int]]:
        """Chunk, document and version of every row that is not hidden."""
        fields = ["chunk", "document", "version"]
        for one in entities(self._client, self._release.rows, self._release.visible, fields):
            yield UUID(one["chunk"]), one["document"], one["version"]

    def _frequency(self, term: Term) -> int:
        number = term_number(key_of(term))
        if number not in self._frequencies:
            found = self._client.query(
                self._release.words,
                filter=f"term == {number} and part in [0, {self._release.part}]",
                output_fields=["count"],
            )
            self._frequencies[number] = sum(int(one["count"]) for one in found)
        return self._frequencies[number]

    def _search(self, field: str, query: Any, allowed: Allowed, limit: int) -> list[Scored]:
        wanted = min(limit, allowed.count, _LIMIT_MAX)
        if wanted <= 0:
            return []
        conditions = [self._release.visible, allowed.condition]
        found = self._client.search(
            self._release.rows,
            data=[query],
            anns_field=field,
            limit=wanted,
            filter=" and ".join(filter(None, conditions)),
            search_params={"metric_type": "IP"},
            output_fields=["row"],
        )
        return [Scored(int(one["row"]), float(one["distance"])) for one in found[0]]

    def _of_rows(self, field: str, rows: Sequence[int]) -> dict[int, Any]:
        if not rows:
            return {}
        found = self._client.query(
            self._release.rows,
            filter=f"row in {[int(row) for row in rows]}",
            output_fields=["row", field],
        )
        return {one["row"]: one[field] for one in found}
