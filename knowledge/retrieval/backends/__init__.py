"""Where search engines are swapped: scored rows for a query, releases made of rows."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any, Protocol, TypeVar
from uuid import UUID

from knowledge.retrieval.types import IndexRow, Manifest, Scored, Vector, Vectors
from knowledge.retrieval.words import Term


class Audience(Protocol):
    """Which rows a caller may see; made by a backend's ``allow``."""

    @property
    def count(self) -> int: ...


A = TypeVar("A", bound=Audience)  # each backend has an audience of its own kind


class SearchBackend(Protocol[A]):
    """An opened release, which never changes. Rows are numbered 0..size-1.

    Some rows may be hidden, since a later version of their document stands in the same release.
    A row that is hidden or outside the audience never comes back, whatever the limit. Results are
    best first.
    """

    size: int
    manifest: Manifest

    def allow(self, document_ids: Collection[int] | None) -> A:
        """The rows of these documents but for hidden ones; None means every document."""

    def dense(self, vector: Vector, allowed: A, limit: int) -> list[Scored]:
        """By inner product; empty for a vector that is not finite."""

    def lexical(self, query: str, allowed: A, limit: int) -> list[Scored]:
        """By BM25; empty where no term of the query is known."""

    def vectors(self, rows: Sequence[int]) -> Vectors:
        """The stored vectors, in the order asked for, shape (n, dimension)."""

    def lexical_weight(self, term: Term) -> float:
        """The inverse document frequency of a term; highest for an unknown one."""

    def matches(self, terms: Sequence[Term], rows: Sequence[int]) -> dict[int, frozenset[Term]]:
        """Which of these terms (the first 20) stand in each of these rows."""

    def documents(self, rows: Sequence[int]) -> list[int]:
        """The document of each of these rows."""

    def chunk_ids(self, rows: Sequence[int]) -> list[UUID]:
        """The chunk of each of these rows."""

    def versions(self) -> dict[int, int]:
        """The version of each document, of what is not hidden."""

    def every_chunk(self) -> Iterator[tuple[UUID, int, int]]:
        """Chunk, document and version of every row that is not hidden."""


class SearchEngine(Protocol):
    """Where releases are written and opened; a release has a name and is never changed."""

    @property
    def name(self) -> str:
        """files, pgvector or milvus."""

    def build(
        self, name: str, rows: Iterable[IndexRow], dimension: int, extra: dict[str, object]
    ) -> Manifest:
        """Write a release. Killed at any moment, it is there whole or not at all.

        Raises BuildFailed.
        """

    def extend(
        self,
        name: str,
        base: str,
        rows: Iterable[IndexRow],
        replaced: Collection[int],
        extra: dict[str, object],
    ) -> Manifest:
        """Write a release: the base without the documents in ``replaced``, and these rows.

        It costs about what the rows cost, whatever the size of the base, which stays as it is and
        may be removed later. A document that ``rows`` holds is replaced in any case.
        Raises BuildFailed, and IndexUnusable where the base cannot be used.
        """

    def open(self, name: str, *, verify: bool = False) -> SearchBackend[Any]:
        """Open a release; ``verify`` compares every checksum. Raises IndexUnusable."""

    def remove(self, name: str) -> None:
        """Delete a release; no error where there is none."""

    def names(self) -> set[str]:
        """The complete releases that lie there."""
