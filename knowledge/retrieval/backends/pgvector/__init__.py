"""Releases in PostgreSQL: vectors by pgvector, words by its full-text search.

Many web machines share one index, and there are no files to hand round.
"""

from knowledge.retrieval.backends.pgvector.engine import PgvectorEngine
from knowledge.retrieval.backends.pgvector.index import PgvectorIndex

__all__ = ["PgvectorEngine", "PgvectorIndex"]
