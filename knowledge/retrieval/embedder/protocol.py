"""What every embedder offers."""

from collections.abc import Sequence
from typing import Protocol

from knowledge.retrieval.types import Vector, Vectors


class Embedder(Protocol):
    """Texts to vectors, float32; any number of threads may call it.

    Vectors have unit length where ``metric`` is ``cosine``, and the model's own where it is
    ``dot``. Every method may raise EmbedderUnavailable.
    """

    @property
    def name(self) -> str: ...
    @property
    def fingerprint(self) -> str:
        """``name@hash``; embedders of one fingerprint give the same vectors for passages."""

    @property
    def dimension(self) -> int: ...
    @property
    def max_tokens(self) -> int:
        """The longest text that is seen whole, as ``count_tokens`` counts."""

    @property
    def metric(self) -> str:
        """``cosine`` or ``dot``."""

    @property
    def query_prefix(self) -> str:
        """What is put before each question; ``passage_prefix`` before each passage."""

    @property
    def passage_prefix(self) -> str: ...
    @property
    def parallel_queries(self) -> int:
        """How many calls for questions may run side by side with a gain."""

    def embed_passages(self, texts: Sequence[str]) -> Vectors:
        """Shape (n, dimension), in the order of the texts; (0, dimension) for none."""

    def embed_queries(self, texts: Sequence[str]) -> Vectors:
        """Shape (n, dimension), in the order of the texts; (0, dimension) for none."""

    def embed_query(self, text: str) -> Vector:
        """Shape (dimension,)."""

    def count_tokens(self, text: str) -> int:
        """Tokens that the model would see, its special tokens included, without truncation."""
