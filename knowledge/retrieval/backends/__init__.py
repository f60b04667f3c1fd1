"""The seam where search engines are swapped: scored rows for a query within an audience."""

from collections.abc import Sequence
from typing import Protocol, TypeVar
from uuid import UUID

from knowledge.retrieval.types import Mask, Rows, Scored, Vector, Vectors
from knowledge.retrieval.words import Term


class Audience(Protocol):
    """Which rows a caller may see; made by a backend's ``allow``."""

    @property
    def mask(self) -> Mask: ...
    @property
    def count(self) -> int: ...


A = TypeVar("A", bound=Audience)  # each backend has an audience of its own kind


class SearchBackend(Protocol[A]):
    """A snapshot of what is known. Rows are numbered 0..size-1 and never change.

    A row outside the audience never comes back, whatever the limit. Results are best first.
    """

    size: int
    document_ids: Rows

    def allow(self, document_ids: set[int] | None) -> A:
        """The rows of these documents; None means every row."""

    def dense(self, vector: Vector, allowed: A, limit: int) -> list[Scored]:
        """By cosine; empty for a vector that is not finite."""

    def lexical(self, query: str, allowed: A, limit: int) -> list[Scored]:
        """By BM25; empty where no term of the query is known."""

    def chunk_id(self, row: int) -> UUID: ...

    def vectors(self, rows: Sequence[int]) -> Vectors:
        """The stored vectors, in the order asked for, shape (n, dimension)."""

    def lexical_weight(self, term: Term) -> float:
        """The inverse document frequency of a term; highest for an unknown one."""

    def matches(self, terms: Sequence[Term], rows: Sequence[int]) -> dict[int, frozenset[Term]]:
        """Which of these terms (the first 20) stand in each of these rows."""
